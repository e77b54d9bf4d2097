package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.events.EventSubject;
import dev.fusedio.gateway.events.EventType;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Notes what becomes of attachments, and how they stand when that is another way than before. */
final class AttachmentEvents {
    private final EventJournal journal;
    private final Map<String, Standing> seen = new ConcurrentHashMap<>();

    AttachmentEvents(final EventJournal journal) {
        this.journal = journal;
    }

    void created(final Attachment attachment) {
        seen.put(attachment.id(), Standing.of(attachment));
        append(EventType.ATTACHMENT_CREATED, attachment);
    }

    /** Its record is another. */
    void changed(final Attachment attachment) {
        append(EventType.ATTACHMENT_CHANGED, attachment);
    }

    void deleted(final Attachment attachment) {
        seen.remove(attachment.id());
        append(EventType.ATTACHMENT_DELETED, attachment);
    }

    /** Looks how it stands: nobody tells of a device that somebody else has stopped. */
    void look(final Attachment attachment) {
        final Standing now = Standing.of(attachment);
        if (!now.equals(seen.put(attachment.id(), now))) {
            append(EventType.ATTACHMENT_STATE, attachment);
        }
    }

    /** Forgets how all stood. */
    void clear() {
        seen.clear();
    }

    private void append(final EventType type, final Attachment attachment) {
        final AttachmentRecord record = attachment.record();
        journal.append(
                type,
                "/api/v1/attachments/" + attachment.id(),
                new EventSubject.OfAttachment(
                        attachment.id(),
                        "/dev/ublkb" + record.number(),
                        record.volume().isEmpty() ? null : record.volume(),
                        type == EventType.ATTACHMENT_DELETED
                                ? null
                                : attachment.state().text(),
                        attachment.notice().isEmpty() ? null : attachment.notice()));
    }

    /** How one stood. */
    private record Standing(AttachmentState state, String notice) {
        static Standing of(final Attachment attachment) {
            return new Standing(attachment.state(), attachment.notice());
        }
    }
}
