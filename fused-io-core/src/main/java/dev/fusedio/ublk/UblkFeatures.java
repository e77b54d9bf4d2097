package dev.fusedio.ublk;

/**
 * What the driver can, as it answers GET_FEATURES.
 *
 * @param flags UBLK_F_*
 */
record UblkFeatures(long flags) {
    boolean has(final long wanted) {
        return (flags & wanted) == wanted;
    }

    /** Those of {@code wanted} that the driver has. */
    long of(final long wanted) {
        return flags & wanted;
    }
}
