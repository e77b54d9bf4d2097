package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.events.EventSubject;
import dev.fusedio.gateway.events.EventType;
import org.jspecify.annotations.Nullable;

/** Notes what became of volumes, once it is on stable storage. */
final class VolumeEvents {
    private final EventJournal journal;

    VolumeEvents(final EventJournal journal) {
        this.journal = journal;
    }

    void created(final Volume volume) {
        append(EventType.VOLUME_CREATED, volume, null);
    }

    /** @param before the name that it had */
    void changed(final Volume volume, final String before) {
        append(EventType.VOLUME_CHANGED, volume, volume.name().equals(before) ? null : before);
    }

    /** A write-back of an open volume has failed. */
    void failed(final String name, final VolumeRecord record) {
        journal.append(
                EventType.VOLUME_FAILED,
                "/api/v1/volumes/" + name,
                new EventSubject.OfVolume(name, record.id(), record.revision(), null));
    }

    void deleted(final Volume volume) {
        append(EventType.VOLUME_DELETED, volume, null);
    }

    private void append(final EventType type, final Volume volume, final @Nullable String before) {
        final VolumeRecord record = volume.knownRecord().orElse(null);
        journal.append(
                type,
                "/api/v1/volumes/" + volume.name(),
                new EventSubject.OfVolume(
                        volume.name(),
                        record == null ? null : record.id(),
                        record == null ? null : record.revision(),
                        before));
    }
}
