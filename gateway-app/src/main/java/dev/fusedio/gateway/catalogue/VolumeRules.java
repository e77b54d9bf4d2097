package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.config.ByteSize;
import dev.fusedio.gateway.engine.BackendType;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Map;
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

    /** Lets a new volume pass that may be. */
    void require(final NewVolume wanted) {
        if (wanted.backend() == BackendType.MEMORY && wanted.directIo()) {
            throw ProblemException.invalid("directIo", "a volume in memory has no file to open with O_DIRECT");
        }
        requireSize(wanted.size(), wanted.directIo());
        requireLabels(wanted.labels());
    }

    /** Lets a change pass that may be. */
    void require(final Volume.Available volume, final VolumeChange change) {
        final Long size = change.size();
        if (size != null) {
            requireSize(size, volume.record().directIo());
            if (size < volume.open().size()) {
                throw new ProblemException(
                        ProblemType.SHRINK_REFUSED,
                        "The volume '" + volume.name() + "' has "
                                + volume.open().size() + " bytes; " + size + " is less. Volumes only grow.");
            }
        }
        if (change.labels() != null) {
            requireLabels(VolumeLabels.merged(volume.record().labels(), change.labels()));
        }
    }

    private void requireSize(final long size, final boolean directIo) {
        final int unit = directIo ? DIRECT_UNIT : VolumeRecord.SECTOR;
        if (size < unit || size % unit != 0) {
            throw ProblemException.invalid("size", "must be a positive multiple of " + unit + " bytes, and is " + size);
        }
        if (size > limit.bytes()) {
            throw ProblemException.invalid(
                    "size", "must not be above " + limit + " (the setting gateway.pool.max-volume-size)");
        }
    }

    private static void requireLabels(final Map<String, String> labels) {
        if (labels.size() > VolumeLabels.MAX) {
            throw ProblemException.invalid(
                    "labels", "a volume may have " + VolumeLabels.MAX + ", and these are " + labels.size());
        }
        labels.forEach((key, value) -> VolumeLabels.refusalOfKey(key)
                .or(() -> VolumeLabels.refusalOfValue(value))
                .ifPresent(refusal -> {
                    throw ProblemException.invalid("labels." + shortened(key), refusal);
                }));
    }

    private static String shortened(final String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }

    /** The ETag of what a volume is at; null if its record can't be read. */
    static @Nullable String etag(final Volume volume) {
        return volume.knownRecord()
                .map(record -> Precondition.etag(record.revision()))
                .orElse(null);
    }

    static ProblemException nameTaken(final String name) {
        return new ProblemException(ProblemType.VOLUME_EXISTS, "There is something named '" + name + "' already.");
    }

    static ProblemException unknown(final String name) {
        return new ProblemException(ProblemType.VOLUME_NOT_FOUND, "There is no volume '" + name + "'.");
    }
}
