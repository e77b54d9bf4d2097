package dev.fusedio.ublk;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.SystemCallException;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.ToLongFunction;

/** The character device of one ublk device, open, and its queues on the loops. Any thread but a loop's. */
final class UblkQueues {

    private static final long RETRY_NANOS = 1_000_000;

    private final int id;
    private final int charFd;
    private final List<UblkQueue> queues;

    private UblkQueues(final int id, final int charFd, final List<UblkQueue> queues) {
        this.id = id;
        this.charFd = charFd;
        this.queues = queues;
    }

    /**
     * Opens the character device and fetches every tag of every queue, the queues spread over the loops.
     *
     * @throws IOException when the device can't be opened or mapped; nothing is left open then. All that can fail comes
     *     before the first fetch: a tag that was fetched is given back only when the device stops or the process ends
     */
    static UblkQueues open(
            final LoopGroup loops,
            final UblkDeviceInfo info,
            final Mechanism mechanism,
            final UblkOptions options,
            final Volume volume)
            throws IOException {
        final int charFd = openCharDevice(info.id(), options.patience());
        final List<Mapping> descriptors = mapDescriptors(charFd, info);
        final List<UblkQueue> queues = new ArrayList<>();
        for (int index = 0; index < info.queues(); index++) {
            final CoreLoop loop =
                    loops.loops().get(index % options.servedBy(loops.loops().size()));
            queues.add(new UblkQueue(index, loop, info, mechanism, options.copyBelow(volume.capabilities()), volume));
        }
        final UblkQueues all = new UblkQueues(info.id(), charFd, List.copyOf(queues));
        for (int index = 0; index < info.queues(); index++) {
            final UblkQueue queue = queues.get(index);
            final Mapping mapped = descriptors.get(index);
            post(queue.loop(), () -> queue.start(charFd, mapped), queue);
        }
        return all;
    }

    /** The descriptors of every queue, or of none: then the character device is closed as well. */
    private static List<Mapping> mapDescriptors(final int charFd, final UblkDeviceInfo info)
            throws SystemCallException {
        final Libc libc = Libc.transientInstance();
        final List<Mapping> mapped = new ArrayList<>();
        try {
            for (int index = 0; index < info.queues(); index++) {
                mapped.add(Mapping.readOnly(
                        libc,
                        charFd,
                        UblkAbi.descriptorsOffset(index),
                        UblkAbi.descriptorsBytes(info.depth()),
                        "the descriptors of queue " + index));
            }
            return mapped;
        } catch (final SystemCallException e) {
            mapped.forEach(Mapping::close);
            libc.files().close(charFd);
            throw e;
        }
    }

    private static int openCharDevice(final int id, final Duration patience) throws UblkException {
        final String path = UblkAbi.CHAR_PREFIX + id;
        final Libc libc = Libc.transientInstance();
        long left = patience.toNanos();
        while (true) {
            final int fd = libc.files().open(path, FileCalls.O_RDWR | FileCalls.O_CLOEXEC | FileCalls.O_NONBLOCK, 0);
            if (fd >= 0) {
                return fd;
            }
            // devtmpfs makes the node at once, udev may set its mode a little later, a dying server closes it last
            final boolean passing =
                    fd == -Errno.ENOENT || fd == -Errno.EACCES || fd == -Errno.EBUSY || fd == -Errno.EINTR;
            if (!passing || left <= 0) {
                throw new UblkException(
                        "open " + path + ": " + Libc.describe(fd) + " (" + Errno.name(fd) + ")"
                                + (fd == -Errno.EBUSY
                                        ? ". Another process serves the device"
                                        : ". Is /dev a devtmpfs, and may this process open it?"),
                        fd == -Errno.ENOENT ? Errno.ENXIO : fd);
            }
            LockSupport.parkNanos(RETRY_NANOS);
            left -= RETRY_NANOS;
        }
    }

    private static void post(final CoreLoop loop, final Runnable task, final UblkQueue queue) {
        if (!loop.post(task)) {
            queue.started().completeExceptionally(new UblkException("the core loop has ended", 0));
            queue.ended().complete(null);
        }
    }

    /** Waits until the driver has taken all tags. */
    void awaitStart(final Duration patience) throws IOException {
        final CompletableFuture<?>[] all =
                queues.stream().map(UblkQueue::started).toArray(CompletableFuture<?>[]::new);
        await(CompletableFuture.allOf(all), patience, "the core loops did not take up ublk device " + id);
    }

    /** Waits until no tag is served any more, then closes the character device. */
    void awaitEnd(final Duration patience) throws IOException {
        final CompletableFuture<?>[] all = queues.stream().map(UblkQueue::ended).toArray(CompletableFuture<?>[]::new);
        await(CompletableFuture.allOf(all), patience, "the core loops did not let go of ublk device " + id);
        Libc.transientInstance().files().close(charFd);
    }

    private static void await(final CompletableFuture<?> future, final Duration patience, final String otherwise)
            throws IOException {
        try {
            future.get(patience.toNanos(), TimeUnit.NANOSECONDS);
        } catch (final ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(otherwise, e.getCause());
        } catch (final TimeoutException e) {
            throw new UblkException(otherwise + " within " + patience, Errno.ETIMEDOUT);
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException(otherwise + ": interrupted", e);
        }
    }

    int count() {
        return queues.size();
    }

    long sum(final ToLongFunction<UblkQueue> count) {
        return queues.stream().mapToLong(count).sum();
    }

    /** Whether tags are still served. */
    boolean areServed() {
        return queues.stream().noneMatch(queue -> queue.ended().isDone());
    }

    /** Why a loop's thread is not exempt from waiting for its own I/O; empty when all are. */
    String ioFlusher() {
        return queues.stream()
                .filter(queue -> queue.ioFlusher() != 0)
                .findFirst()
                .map(queue -> "PR_SET_IO_FLUSHER: " + Errno.name(queue.ioFlusher())
                        + "; without CAP_SYS_RESOURCE the device may stall when memory is short")
                .orElse("");
    }
}
