package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the pool holds under one name. */
public sealed interface Volume {
    /** The name, and the folder's. */
    String name();

    /** What its record says, if that can be read. */
    Optional<VolumeRecord> knownRecord();

    /**
     * It, sound.
     *
     * @throws ProblemException if it is damaged
     */
    Available orDamaged();

    /**
     * A volume that works.
     *
     * @param name its name
     * @param record what its record says
     * @param open what the data plane has open
     */
    record Available(String name, VolumeRecord record, OpenVolume open) implements Volume {
        @Override
        public Optional<VolumeRecord> knownRecord() {
            return Optional.of(record);
        }

        @Override
        public Available orDamaged() {
            return this;
        }
    }

    /**
     * One that is set aside: nothing serves it until somebody has mended it and the gateway has started again.
     *
     * @param name the folder's name
     * @param record what its record says, if that can be read
     * @param reason what is wrong
     */
    record Damaged(String name, @Nullable VolumeRecord record, String reason) implements Volume {
        @Override
        public Optional<VolumeRecord> knownRecord() {
            return Optional.ofNullable(record);
        }

        @Override
        public Available orDamaged() {
            throw new ProblemException(
                    ProblemType.VOLUME_DAMAGED,
                    "The volume '" + name + "' is set aside: " + reason + ". Mend its folder in the pool and start the"
                            + " gateway again.");
        }
    }
}
