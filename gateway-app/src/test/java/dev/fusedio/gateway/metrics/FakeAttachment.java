package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.attachment.Attachment;
import dev.fusedio.gateway.attachment.AttachmentRecord;
import dev.fusedio.gateway.engine.BlockDevice;
import dev.fusedio.gateway.engine.DeviceMechanism;
import dev.fusedio.gateway.engine.DeviceStatus;
import java.time.Instant;
import java.util.UUID;
import reactor.core.publisher.Mono;

/** A block device whose counters stand where a test wants them; it can't be operated. */
record FakeAttachment(long requests) implements BlockDevice {
    private static final int BLOCK = 4096;

    /** An attachment that has answered so many requests. */
    static Attachment after(final long requests) {
        final AttachmentRecord record = new AttachmentRecord(
                AttachmentRecord.SCHEMA_VERSION,
                new UUID(0, 1),
                "demo",
                "",
                0,
                1,
                128,
                false,
                DeviceMechanism.AUTO,
                1,
                0,
                1,
                Instant.EPOCH);
        return new Attachment(record, new FakeAttachment(requests), "");
    }

    @Override
    public int number() {
        return 0;
    }

    @Override
    public DeviceStatus status() {
        return new DeviceStatus(
                "/dev/ublkb0",
                1 << 30,
                DeviceMechanism.AUTO_REGISTRATION,
                "",
                1,
                128,
                requests,
                1,
                requests / 10,
                requests * BLOCK,
                requests * BLOCK / 2,
                true,
                "");
    }

    @Override
    public Mono<Boolean> isInUse() {
        return Mono.just(false);
    }

    @Override
    public Mono<Void> resize() {
        return Mono.error(new UnsupportedOperationException());
    }

    @Override
    public Mono<Void> detach() {
        return Mono.error(new UnsupportedOperationException());
    }

    @Override
    public Mono<Void> leave() {
        return Mono.error(new UnsupportedOperationException());
    }
}
