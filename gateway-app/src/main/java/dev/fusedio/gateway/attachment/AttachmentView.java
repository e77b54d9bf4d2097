package dev.fusedio.gateway.attachment;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.engine.DeviceMechanism;
import dev.fusedio.gateway.engine.DeviceStatus;
import dev.fusedio.gateway.engine.FoundDevice;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** An attachment as the API shows it. What only a served device can tell is absent of others. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "Attachment", description = "A volume, or another server's export, as a local block device.")
record AttachmentView(
        @Schema(description = "'orphan-N' for a device of this program that nobody serves or knows.")
        String id,

        @Schema(example = "/dev/ublkb0") @Nullable String device,

        @Schema(description = "Another server's export.") @Nullable String source,

        @Schema(description = "The volume's name.") @Nullable String volume,

        @Schema(
                description =
                        "'live': served. 'waiting': its requests wait until it can be served again, which is tried"
                                + " every 10 s. 'stopped': somebody else has stopped its device. 'orphaned': nobody serves it.")
        AttachmentState state,

        @Schema(description = "What is not as it should be, and why; only if something is.") @Nullable String notice,

        @Schema(description = "The mechanism in use; the one asked for while it is not served.") @Nullable DeviceMechanism mechanism,

        @Schema(description = "Why no better mechanism is in use; empty for the best.") @Nullable String why,

        @Nullable Integer queues,

        @Schema(description = "Requests of a queue at once.") @Nullable Integer depth,

        @Nullable Boolean readOnly,

        @Schema(description = "Bytes, as the block layer knows them.") @Nullable Long size,

        @Schema(description = "Requests answered.") @Nullable Long requests,

        @Schema(description = "Requests answered with an error.") @Nullable Long errors,

        @Schema(description = "Payload that never entered this process.") @Nullable Long bytesBorrowed,

        @Schema(description = "Payload that this process copied.") @Nullable Long bytesCopied,

        @Schema(description = "How often a process took the device over from another.") @Nullable Long recoveries,

        @Nullable Instant createdAt) {
    /** How ids of orphans begin. */
    static final String ORPHAN = "orphan-";

    /** As it would be: what is known only when it is served is left out. */
    static AttachmentView ofDraft(final Attachment draft) {
        final AttachmentRecord record = draft.record();
        return new AttachmentView(
                draft.id(),
                null,
                record.source().isEmpty() ? null : record.source(),
                record.volume().isEmpty() ? null : record.volume(),
                AttachmentState.LIVE,
                null,
                record.mechanism(),
                null,
                record.queues() == 0 ? null : record.queues(),
                record.depth(),
                record.readOnly(),
                null,
                null,
                null,
                null,
                null,
                record.recoveries(),
                record.createdAt());
    }

    static AttachmentView of(final Attachment attachment) {
        final AttachmentRecord record = attachment.record();
        final DeviceStatus status = attachment.status().orElse(null);
        final AttachmentState state = attachment.state();
        return new AttachmentView(
                attachment.id(),
                "/dev/ublkb" + record.number(),
                record.source().isEmpty() ? null : record.source(),
                record.volume().isEmpty() ? null : record.volume(),
                state,
                notice(attachment, status),
                status == null ? record.mechanism() : status.mechanism(),
                status == null ? null : status.why(),
                status == null ? null : status.queues(),
                status == null ? record.depth() : status.depth(),
                record.readOnly(),
                status == null ? null : status.size(),
                status == null ? null : status.requests(),
                status == null ? null : status.errors(),
                status == null ? null : status.bytesBorrowed(),
                status == null ? null : status.bytesCopied(),
                record.recoveries(),
                record.createdAt());
    }

    static AttachmentView of(final FoundDevice orphan) {
        return new AttachmentView(
                ORPHAN + orphan.number(),
                orphan.device(),
                null,
                null,
                AttachmentState.ORPHANED,
                "process " + orphan.serverPid() + " made it and serves it no more; no record in this pool is its own",
                null,
                null,
                null,
                null,
                null,
                orphan.size(),
                null,
                null,
                null,
                null,
                null,
                null);
    }

    /** Where it stands in a list: attachments in the order in which they were made, then orphans by number. */
    String position() {
        return createdAt == null
                ? "orphan " + "0".repeat(20 - id.length()) + id
                : "%020d %09d %s".formatted(createdAt.getEpochSecond(), createdAt.getNano(), id);
    }

    /** Another one for every process that has left a device of that number. */
    static String etag(final FoundDevice orphan) {
        return "\"" + ORPHAN + orphan.serverPid() + "\"";
    }

    private static @Nullable String notice(final Attachment attachment, final @Nullable DeviceStatus status) {
        if (!attachment.notice().isEmpty()) {
            return attachment.notice();
        }
        return status == null || status.memoryRisk().isEmpty() ? null : status.memoryRisk();
    }
}
