package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.engine.VolumeCounters;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/**
 * How many requests there were, and how long they took.
 *
 * @param operations requests completed, failed ones included
 * @param bytes bytes moved or affected
 * @param errors failures
 * @param latency requests by duration, as {@link VolumeCounters.Operation#latency} has them
 * @param nanos the sum of all durations
 */
@SuppressWarnings("ArrayRecordComponent") // a snapshot, compared by nobody
record Tally(long operations, long bytes, long errors, long[] latency, long nanos) {
    static final Tally NONE = new Tally(0, 0, 0, new long[0], 0);

    static Tally of(final VolumeCounters.Operation operation) {
        return new Tally(
                operation.count(),
                operation.bytes(),
                operation.errors().values().stream().mapToLong(Long::longValue).sum(),
                operation.latency(),
                operation.latencySumNanos());
    }

    static Tally of(final VolumeCounters counters) {
        final List<Tally> parts = new ArrayList<>();
        counters.operations().forEach(operation -> parts.add(of(operation)));
        return sum(parts);
    }

    static Tally sum(final Collection<Tally> parts) {
        final long[] latency = new long
                [parts.stream().mapToInt(part -> part.latency.length).max().orElse(0)];
        long operations = 0;
        long bytes = 0;
        long errors = 0;
        long nanos = 0;
        for (final Tally part : parts) {
            operations += part.operations;
            bytes += part.bytes;
            errors += part.errors;
            nanos += part.nanos;
            for (int bucket = 0; bucket < part.latency.length; bucket++) {
                latency[bucket] += part.latency[bucket];
            }
        }
        return new Tally(operations, bytes, errors, latency, nanos);
    }

    /** What has come since {@code before}. Counters are read while they grow: what looks like less is nothing. */
    Tally since(final Tally before) {
        final long[] more = latency.clone();
        for (int bucket = 0; bucket < Math.min(more.length, before.latency.length); bucket++) {
            more[bucket] = Math.max(0, more[bucket] - before.latency[bucket]);
        }
        return new Tally(
                Math.max(0, operations - before.operations),
                Math.max(0, bytes - before.bytes),
                Math.max(0, errors - before.errors),
                more,
                Math.max(0, nanos - before.nanos));
    }
}
