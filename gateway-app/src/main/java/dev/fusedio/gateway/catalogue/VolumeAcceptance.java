package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.web.ProblemException;

/** Decides whether a volume that is there already is what was wanted. */
@FunctionalInterface
public interface VolumeAcceptance {
    /**
     * Lets a volume pass that is what was wanted.
     *
     * @throws ProblemException that says what differs
     */
    void require(Volume.Available there);
}
