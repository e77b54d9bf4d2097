package dev.fusedio.gateway.engine;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;

/** A volume as a byte array of at most 16 MiB; what lies behind that reads as zeros. */
public final class InMemoryVolume implements OpenVolume {
    private static final int MAX_BYTES = 16 << 20;

    private final String name;
    private final Runnable onClose;
    private final @Nullable Path data;
    private final byte[] content;
    private final AtomicInteger inFlight = new AtomicInteger();
    private final AtomicInteger mostInFlight = new AtomicInteger();
    private final AtomicInteger flushes = new AtomicInteger();
    private final AtomicInteger reads = new AtomicInteger();
    private final AtomicInteger writes = new AtomicInteger();
    private final Sinks.One<VolumeFailure> writeBackFailed = Sinks.one();
    private volatile @Nullable VolumeFailure writeBack;
    private volatile long size;
    private volatile boolean readOnly;
    private volatile String description;
    private volatile long holeFrom = MAX_BYTES;
    private volatile int blockSize = 1;
    private volatile @Nullable DataPlaneException failure;
    private volatile Sinks.@Nullable Empty<Void> gate;
    private volatile Sinks.@Nullable Empty<Void> closedGate;

    InMemoryVolume(final VolumeSpec spec, final Runnable onClose) {
        this.name = spec.name();
        this.onClose = onClose;
        this.data = spec.data();
        this.size = spec.size();
        this.readOnly = spec.readOnly();
        this.description = spec.description();
        this.content = new byte[(int) Math.min(spec.size(), MAX_BYTES)];
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long size() {
        return size;
    }

    @Override
    public int blockSize() {
        return blockSize;
    }

    @Override
    public Mono<Long> allocatedBytes() {
        return Mono.just((long) content.length);
    }

    @Override
    public boolean readOnly() {
        return readOnly;
    }

    @Override
    public void describe(final boolean newReadOnly, final String newDescription) {
        readOnly = newReadOnly;
        description = newDescription;
    }

    @Override
    public Mono<Void> grow(final long newSize) {
        return work(() -> {
            size = newSize;
            if (data != null) {
                try (RandomAccessFile file = new RandomAccessFile(data.toFile(), "rw")) {
                    file.setLength(newSize);
                } catch (final IOException e) {
                    throw new UncheckedIOException(e);
                }
            }
        });
    }

    @Override
    public Optional<VolumeFailure> failure() {
        return Optional.ofNullable(writeBack);
    }

    @Override
    public Mono<VolumeFailure> failed() {
        return writeBackFailed.asMono();
    }

    /** Fails the volume's write-back, as its backend would. */
    public void failWriteBack(final VolumeFailure failed) {
        writeBack = failed;
        writeBackFailed.tryEmitValue(failed);
    }

    @Override
    public Mono<Void> read(final long position, final ByteBuffer target) {
        return work(() -> {
            reads.incrementAndGet();
            target.duplicate().put(at(position, target.remaining()));
        });
    }

    @Override
    public Mono<Void> write(final long position, final ByteBuffer source) {
        return work(() -> {
            writes.incrementAndGet();
            at(position, source.remaining()).put(source.duplicate());
        });
    }

    /** A hole from where the array ends, or where a test says. */
    @Override
    public Mono<Extent> extent(final long position) {
        final long data = Math.min(size, holeFrom);
        return Mono.fromSupplier(
                () -> position < data ? new Extent(data - position, false) : new Extent(size - position, true));
    }

    /** Says that there is nothing from {@code position} on. */
    public void holeFrom(final long position) {
        holeFrom = position;
    }

    @Override
    public Mono<Void> flush() {
        return work(flushes::incrementAndGet);
    }

    @Override
    public VolumeCounters counters() {
        final long[] latency = new long[26];
        latency[3] = 2;
        return new VolumeCounters(
                inFlight.get(),
                List.of(
                        new VolumeCounters.Operation("read", 2, 8192, Map.of(), latency, 14_000),
                        new VolumeCounters.Operation(
                                "write", 1 + writes.get(), 0, Map.of("ENOSPC", 1L), new long[26], 0),
                        new VolumeCounters.Operation("trim", 0, 0, Map.of(), new long[26], 0)));
    }

    @Override
    public Mono<Void> close() {
        return Mono.fromRunnable(onClose);
    }

    /** What it holds. */
    public byte[] content() {
        return content.clone();
    }

    /** Fills it. */
    public void content(final byte[] bytes) {
        System.arraycopy(bytes, 0, content, 0, bytes.length);
    }

    public String description() {
        return description;
    }

    public int flushes() {
        return flushes.get();
    }

    public int reads() {
        return reads.get();
    }

    public int writes() {
        return writes.get();
    }

    /** The most reads and writes that were under way at one time. */
    public int mostInFlight() {
        return mostInFlight.get();
    }

    public int inFlight() {
        return inFlight.get();
    }

    /** Lets every operation from now on fail; null for none. */
    public void fail(final @Nullable String errno) {
        failure = errno == null ? null : new DataPlaneException(errno, "volume " + name + " failed: " + errno);
    }

    public void blockSize(final int bytes) {
        blockSize = bytes;
    }

    /** Holds every operation from now on until {@link #release}. */
    public void hold() {
        gate = Sinks.empty();
    }

    /** Lets operations from now on pass; those that are held stay so until {@link #release}. */
    public void holdNoMore() {
        closedGate = gate;
        gate = null;
    }

    /** Lets the held operations go on. */
    public void release() {
        open(gate);
        gate = null;
        open(closedGate);
        closedGate = null;
    }

    private static void open(final Sinks.@Nullable Empty<Void> held) {
        if (held != null) {
            held.tryEmitEmpty();
        }
    }

    private Mono<Void> work(final Runnable work) {
        return Mono.defer(() -> {
            mostInFlight.accumulateAndGet(inFlight.incrementAndGet(), Math::max);
            final Sinks.Empty<Void> held = gate;
            final Mono<Void> turn = held == null ? Mono.empty() : held.asMono();
            return turn.then(Mono.<Void>fromRunnable(() -> {
                        final DataPlaneException failing = failure;
                        if (failing != null) {
                            throw failing;
                        }
                        work.run();
                    }))
                    .doOnTerminate(inFlight::decrementAndGet);
        });
    }

    private ByteBuffer at(final long position, final int length) {
        if (position % blockSize != 0 || length % blockSize != 0) {
            throw new DataPlaneException("EINVAL", length + " bytes at " + position + " are not in whole blocks");
        }
        if (position + length > size) {
            throw new DataPlaneException("EINVAL", length + " bytes at " + position + " end behind " + size);
        }
        return position + length <= content.length
                ? ByteBuffer.wrap(content, (int) position, length).slice()
                : ByteBuffer.allocate(length);
    }
}
