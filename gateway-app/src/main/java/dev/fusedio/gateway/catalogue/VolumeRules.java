package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.ByteSize;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import org.jspecify.annotations.Nullable;

/** What a volume may be, and how its refusals read. */
final class VolumeRules {
    /** The largest alignment that O_DIRECT asks for on common storage. */
    private static final int DIRECT_UNIT = 4096;

    private final ByteSize limit;

    /** @param limit the largest size that is allowed */
    VolumeRules(final ByteSize limit) {
        this.limit = limit;
    }

    void requireSize(final long size, final boolean directIo) {
        final int unit = directIo ? DIRECT_UNIT : VolumeRecord.SECTOR;
        if (size < unit || size % unit != 0) {
            throw ProblemException.invalid("size", "must be a positive multiple of " + unit + " bytes, and is " + size);
        }
        if (size > limit.bytes()) {
            throw ProblemException.invalid(
                    "size", "must not be above " + limit + " (the setting gateway.pool.max-volume-size)");
        }
    }

    static void requireRevision(final Volume.Available volume, final @Nullable Long revision) {
        if (revision != null && revision != volume.record().revision()) {
            throw new ProblemException(
                    ProblemType.REVISION_MISMATCH,
                    "The volume '" + volume.name() + "' is at revision "
                            + volume.record().revision() + ", not " + revision + ". Read it again.");
        }
    }

    static ProblemException nameTaken(final String name) {
        return new ProblemException(ProblemType.VOLUME_EXISTS, "There is something named '" + name + "' already.");
    }
}
