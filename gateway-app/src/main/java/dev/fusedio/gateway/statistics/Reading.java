package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.attachment.Attachment;
import dev.fusedio.gateway.engine.BlockDevice;
import dev.fusedio.gateway.engine.DeviceStatus;
import dev.fusedio.gateway.engine.LoopCounters;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.engine.VolumeCounters;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Every counter of the data plane at one moment.
 *
 * @param at the time of day
 * @param nanos the same on a clock that never jumps
 * @param volumes the volumes that are served
 * @param damaged how many are set aside
 * @param loops one for each core loop
 * @param sessions NBD sessions by the volume's name
 * @param attachments the attachments, served or not
 */
record Reading(
        Instant at,
        long nanos,
        Map<OpenVolume, OfVolume> volumes,
        int damaged,
        List<LoopCounters> loops,
        Map<String, Integer> sessions,
        List<OfAttachment> attachments) {
    Reading {
        volumes = Map.copyOf(volumes);
        loops = List.copyOf(loops);
        sessions = Map.copyOf(sessions);
        attachments = List.copyOf(attachments);
    }

    /**
     * A volume's.
     *
     * @param name the volume's
     * @param counters as the engine gives them
     * @param all all kinds of requests together
     */
    record OfVolume(String name, VolumeCounters counters, Tally all) {
        static OfVolume of(final String name, final VolumeCounters counters) {
            return new OfVolume(name, counters, Tally.of(counters));
        }
    }

    /**
     * A served attachment's.
     *
     * @param attachment which
     * @param device what serves it
     * @param status its counts
     */
    record OfAttachment(Attachment attachment, BlockDevice device, DeviceStatus status) {}
}
