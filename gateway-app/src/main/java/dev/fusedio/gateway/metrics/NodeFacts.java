package dev.fusedio.gateway.metrics;

import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What can't be read without waiting, as it was heard last.
 *
 * @param ready whether the readiness group is up; null before it was asked for the first time
 * @param pool null while the pool does not answer
 * @param orphans orphaned block devices; null before they were looked for, or when that failed
 * @param certificates of the configured SSL bundles
 */
record NodeFacts(
        @Nullable Boolean ready,
        @Nullable PoolSpace pool,
        @Nullable Integer orphans,
        List<Certificate> certificates) {
    /** Nothing was asked yet. */
    static final NodeFacts UNKNOWN = new NodeFacts(null, null, null, List.of());

    NodeFacts {
        certificates = List.copyOf(certificates);
    }

    NodeFacts withReady(final boolean value) {
        return new NodeFacts(value, pool, orphans, certificates);
    }

    NodeFacts withPool(final @Nullable PoolSpace value) {
        return new NodeFacts(ready, value, orphans, certificates);
    }

    NodeFacts withOrphans(final @Nullable Integer value) {
        return new NodeFacts(ready, pool, value, certificates);
    }

    NodeFacts withCertificates(final List<Certificate> value) {
        return new NodeFacts(ready, pool, orphans, value);
    }

    /** The pool's file system, in bytes. */
    record PoolSpace(long totalBytes, long usableBytes) {}

    /**
     * A chain of certificates.
     *
     * @param bundle the bundle's name
     * @param alias its alias in the bundle's key store
     * @param expiry when the first of its certificates ceases to be valid
     */
    record Certificate(String bundle, String alias, Instant expiry) {}
}
