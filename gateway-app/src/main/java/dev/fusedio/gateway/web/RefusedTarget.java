package dev.fusedio.gateway.web;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * A request that was refused for its address, before it was asked who sends it. What the client sent is as it sent it.
 *
 * @param requestId its id, as in the answer
 * @param from the client's address; null if it has none
 * @param method what was asked for; null if the first line was too long to be read
 * @param resource its path, with the query; null if the first line was too long to be read
 * @param problem what it was answered with
 */
public record RefusedTarget(
        String requestId,
        @Nullable InetAddress from,
        @Nullable String method,
        @Nullable String resource,
        ProblemType problem) {}
