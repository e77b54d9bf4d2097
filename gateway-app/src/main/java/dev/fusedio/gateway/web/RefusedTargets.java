package dev.fusedio.gateway.web;

/** Is told of requests that no filter sees, since their addresses can't be read. */
@FunctionalInterface
public interface RefusedTargets {
    /** One was refused. Any thread; does not wait. */
    void refused(RefusedTarget target);
}
