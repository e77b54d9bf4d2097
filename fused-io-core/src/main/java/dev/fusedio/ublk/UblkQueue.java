package dev.fusedio.ublk;

import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Counters;
import dev.fusedio.loop.Slices;
import dev.fusedio.loop.Turn;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Mapping;
import dev.fusedio.volume.Volume;
import dev.fusedio.volume.VolumeOperation;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One hardware queue on one core loop, whose thread is the daemon of all its tags. Commits and fetches leave with the
 * loop's next entry into the kernel, many at a time. The loop's thread only, unless said.
 */
final class UblkQueue implements Turn {
    /** Rounds after which the driver's refusals of the first fetches have been seen. */
    private static final int STARTING_ROUNDS = 2;

    private static final int REQUESTS = 0;
    private static final int ERRORS = 1;
    private static final int BORROWED = 2;
    private static final int COPIED = 3;
    private static final int BEGUN = 4;
    private static final int MEMORY_WAITS = 5;
    private static final int COUNTERS = 6;

    private final int index;
    private final CoreLoop loop;
    private final UblkDeviceInfo info;
    private final Mechanism mechanism;
    private final int copyBelow;
    private final Volume volume;
    private final Counters counters = new Counters(COUNTERS);
    private final CompletableFuture<Void> started = new CompletableFuture<>();
    private final CompletableFuture<Void> ended = new CompletableFuture<>();
    private final BlockRequest[] requests;
    private final Slices slices;

    private Volume.Lane lane;
    private RingFile file;
    private @Nullable Mapping descriptors;
    private long descriptorsAt;
    private int gone;
    private int refusal;
    private int roundsToStart = STARTING_ROUNDS;
    private volatile int ioFlusher = -Errno.EINVAL;

    /**
     * @param copyBelow requests shorter than that are copied although pages could be lent
     */
    @SuppressWarnings("NullAway.Init") // lane and file belong to the loop and are made on its thread
    UblkQueue(
            final int index,
            final CoreLoop loop,
            final UblkDeviceInfo info,
            final Mechanism mechanism,
            final int copyBelow,
            final Volume volume) {
        this.index = index;
        this.loop = loop;
        this.info = info;
        this.mechanism = mechanism;
        this.copyBelow = copyBelow;
        this.volume = volume;
        this.requests = new BlockRequest[info.depth()];
        this.slices = new Slices(loop);
    }

    /**
     * Whether a request's pages have to be in the ring's buffer table before the volume hears of it. A remote export's
     * payload follows its header on the wire: pages that turn out not to be there would cost the connection, and every
     * request on it.
     */
    boolean registersFirst() {
        return volume.capabilities().lendFrom() > 0;
    }

    /** Takes up service: every tag is fetched. {@link #started} tells when the driver has taken them. */
    void start(final int charFd, final Mapping mapped) {
        descriptors = mapped;
        ioFlusher = IoFlusher.set(loop.libc());
        serve(charFd, mapped.address());
    }

    /** Fetches every tag; their descriptors are at {@code where}. */
    void serve(final int charFd, final long where) {
        descriptorsAt = where;
        lane = volume.acquire(loop);
        // By descriptor, not in the ring's file table: before Linux 6.13 a table lets go of a file only when all that
        // was under way at its removal has ended, a receive on a silent connection included, and DEL_DEV waits for it.
        file = new RingFile(charFd, 0);
        for (int tag = 0; tag < requests.length; tag++) {
            final int place = mechanism.lendsPages() ? loop.driver().takeBufferIndex() : -1;
            requests[tag] = new BlockRequest(this, tag, place, registration(place));
            requests[tag].fetch();
        }
        loop.enqueue(this);
    }

    /** {@code struct ublk_auto_buf_reg} for a place in the ring's table. */
    private long registration(final int place) {
        if (mechanism != Mechanism.AUTO_REGISTRATION) {
            return 0;
        }
        return UblkAbi.AUTO_BUF_REG_FALLBACK | (place > 0 ? place : UblkAbi.NO_BUFFER_INDEX);
    }

    @Override
    public void onTurn() {
        if (refusal != 0) {
            started.completeExceptionally(UblkException.ofCommand("FETCH_REQ", info.id(), refusal));
        } else if (--roundsToStart > 0) {
            loop.enqueue(this);
        } else {
            started.complete(null);
        }
    }

    // --- for requests ------------------------------------------------------------------------------------------------

    CoreLoop loop() {
        return loop;
    }

    /** Where long work of the queue's requests takes turns. */
    Slices slices() {
        return slices;
    }

    int index() {
        return index;
    }

    RingFile file() {
        return file;
    }

    Volume.Lane lane() {
        return lane;
    }

    Mechanism mechanism() {
        return mechanism;
    }

    int copyBelow() {
        return copyBelow;
    }

    int maxIoBytes() {
        return info.maxIoBytes();
    }

    long volumeSize() {
        return volume.size();
    }

    /** Address of a tag's {@code struct ublksrv_io_desc}. */
    long descriptor(final int tag) {
        return descriptorsAt + (long) tag * UblkAbi.IO_DESC_BYTES;
    }

    void onBegin() {
        counters.add(BEGUN, 1);
        lane.counters().start();
    }

    void onEnd(
            final VolumeOperation operation,
            final long bytes,
            final long nanos,
            final int error,
            final boolean payload,
            final boolean borrowed) {
        lane.counters().end(operation.ordinal(), bytes, nanos, error);
        loop.countRequest();
        counters.add(REQUESTS, 1);
        if (error != 0) {
            counters.add(ERRORS, 1);
        } else if (payload) {
            counters.add(borrowed ? BORROWED : COPIED, bytes);
        }
    }

    /** Has {@link BlockRequest#onMemory} called when there may be memory. */
    void awaitMemory(final BlockRequest request) {
        counters.add(MEMORY_WAITS, 1);
        loop.memory().await(request);
    }

    /**
     * A tag will not be served from here any more.
     *
     * @param result -ENODEV when the device was stopped or quiesced; else why the driver refused the command
     */
    void onTagGone(final int result) {
        if (result != -Errno.ENODEV && refusal == 0) {
            refusal = result;
        }
        if (++gone == requests.length) {
            end();
        }
    }

    private void end() {
        for (final BlockRequest request : requests) {
            request.dispose();
        }
        file.remove(loop);
        if (descriptors != null) {
            descriptors.close();
        }
        lane.release();
        started.complete(null); // unless it has failed, it came to an end before it was under way
        ended.complete(null);
    }

    // --- any thread --------------------------------------------------------------------------------------------------

    /** Completes when the driver has taken all tags; exceptionally when it refused one. */
    CompletableFuture<Void> started() {
        return started;
    }

    /** Completes when all tags are gone and the loop holds nothing of the device any more. */
    CompletableFuture<Void> ended() {
        return ended;
    }

    /** 0 when the loop's thread is exempt from waiting for its own I/O under memory pressure; else why not. */
    int ioFlusher() {
        return ioFlusher;
    }

    long requests() {
        return counters.get(REQUESTS);
    }

    long inFlight() {
        final long done = counters.get(REQUESTS); // first, so that the difference is never below zero
        return counters.get(BEGUN) - done;
    }

    long errors() {
        return counters.get(ERRORS);
    }

    long borrowed() {
        return counters.get(BORROWED);
    }

    long copied() {
        return counters.get(COPIED);
    }

    long memoryWaits() {
        return counters.get(MEMORY_WAITS);
    }
}
