package dev.fusedio.gateway.operation;

import org.jspecify.annotations.Nullable;

/**
 * What an operation is to do.
 *
 * @param kind what kind of work
 * @param volume the volume that it makes
 * @param source the volume that it reads; null if it reads none
 * @param totalBytes how much there is to do
 * @param work does it
 */
public record OperationPlan(
        OperationKind kind, String volume, @Nullable String source, long totalBytes, OperationWork work) {}
