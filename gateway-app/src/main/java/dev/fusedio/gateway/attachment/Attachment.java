package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.engine.BlockDevice;
import dev.fusedio.gateway.engine.DeviceStatus;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A volume or a remote export as a local block device.
 *
 * @param record what is kept of it
 * @param device what this process serves; null while it can't
 * @param notice what is not as it should be and why; empty if nothing
 */
public record Attachment(AttachmentRecord record, @Nullable BlockDevice device, String notice) {
    /** Its id. */
    public String id() {
        return record.id().toString();
    }

    /** Its counts and state, while this process serves it. */
    public Optional<DeviceStatus> status() {
        return Optional.ofNullable(device).map(BlockDevice::status);
    }

    /** Another one after every change of what is kept of it. */
    public String etag() {
        return "\"" + record.number() + "-" + record.recoveries() + "\"";
    }

    /** Whether requests are answered, wait, or fail. */
    public AttachmentState state() {
        return status().map(status -> status.served() ? AttachmentState.LIVE : AttachmentState.STOPPED)
                .orElse(AttachmentState.WAITING);
    }
}
