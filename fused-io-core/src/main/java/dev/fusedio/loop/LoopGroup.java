package dev.fusedio.loop;

import dev.fusedio.ring.RingFeatures;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/** All core loops of a process, and the few threads for calls that block and have no place in a ring. */
public final class LoopGroup implements AutoCloseable {
    private static final int BLOCKING_THREADS = 2;
    private static final int BLOCKING_QUEUE = 4096;
    private static final long JOIN_MILLIS = 5_000;

    private final List<CoreLoop> loops;
    private final List<Thread> threads;
    private final RingFeatures features;
    private final ExecutorService blocking;
    private final AtomicInteger nextLoop = new AtomicInteger();

    private LoopGroup(
            final List<CoreLoop> loops,
            final List<Thread> threads,
            final RingFeatures features,
            final ExecutorService blocking) {
        this.loops = loops;
        this.threads = threads;
        this.features = features;
        this.blocking = blocking;
    }

    /**
     * Starts one loop a core and returns when all of them run.
     *
     * @param errors is told of exceptions that a loop's handlers let through; any loop's thread
     * @throws IOException when a ring can't be had; the message says what to change
     */
    public static LoopGroup start(final LoopConfig config, final Consumer<Throwable> errors) throws IOException {
        final List<CompletableFuture<CoreLoop>> starting = new ArrayList<>();
        final List<Thread> threads = new ArrayList<>();
        for (final int core : config.cores()) {
            final CompletableFuture<CoreLoop> started = new CompletableFuture<>();
            threads.add(Thread.ofPlatform()
                    .name("core-" + core)
                    .daemon(true)
                    .start(() -> serve(config, core, errors, started)));
            starting.add(started);
        }
        final List<CoreLoop> loops = new ArrayList<>();
        IOException failure = null;
        for (final CompletableFuture<CoreLoop> started : starting) {
            try {
                loops.add(started.get());
            } catch (final ExecutionException e) {
                failure = e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                failure = new IOException("interrupted while the core loops started", e);
            }
        }
        if (failure != null) {
            starting.forEach(started -> started.thenAccept(CoreLoop::stop)); // those that are still starting as well
            join(threads);
            throw failure;
        }
        final ThreadPoolExecutor blocking = new ThreadPoolExecutor(
                BLOCKING_THREADS,
                BLOCKING_THREADS,
                10,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(BLOCKING_QUEUE),
                Thread.ofPlatform().name("blocking-", 0).daemon(true).factory());
        blocking.allowCoreThreadTimeOut(true);
        return new LoopGroup(List.copyOf(loops), List.copyOf(threads), describe(loops.getFirst()), blocking);
    }

    private static RingFeatures describe(final CoreLoop loop) {
        final RingFeatures ring = loop.driver().features();
        final List<String> granted = new ArrayList<>(ring.granted());
        final List<RingFeatures.Refusal> refused = new ArrayList<>(ring.refused());
        granted.add("REGISTER_PBUF_RING");
        if (loop.slabRegistered()) {
            granted.add("REGISTER_BUFFERS");
        } else {
            refused.add(new RingFeatures.Refusal(
                    "REGISTER_BUFFERS",
                    "the slab of " + loop.slab().length()
                            + " bytes is above the limit on locked memory; raise it (ulimit -l,"
                            + " LimitMEMLOCK=infinity) or give CAP_IPC_LOCK"));
        }
        return new RingFeatures(granted, refused);
    }

    private static void serve(
            final LoopConfig config,
            final int core,
            final Consumer<Throwable> errors,
            final CompletableFuture<CoreLoop> started) {
        try (LoopMemory memory = LoopMemory.open(config, core, errors)) {
            final CoreLoop loop = memory.loop(core, config.mailboxCapacity());
            started.complete(loop);
            try {
                loop.run();
            } finally {
                memory.closeRing(); // before the memory that operations in flight may still reach
                loop.close();
            }
        } catch (final IOException | RuntimeException | Error e) {
            if (!started.completeExceptionally(e)) {
                errors.accept(new IllegalStateException("core loop " + core + " ended", e));
            }
        }
    }

    /** The loops, in the order of their cores. */
    public List<CoreLoop> loops() {
        return loops;
    }

    /** A loop for work that has none yet: each in turn. Any thread. */
    public CoreLoop next() {
        return loops.get(Math.floorMod(nextLoop.getAndIncrement(), loops.size()));
    }

    /** What the rings were granted and refused; the same for all of them. */
    public RingFeatures features() {
        return features;
    }

    /** Runs calls that block (seeking through extents, opening files). Rejects work when 4096 tasks wait. */
    public ExecutorService blocking() {
        return blocking;
    }

    /** Whether every loop's thread is alive. */
    public boolean isRunning() {
        return threads.stream().allMatch(Thread::isAlive);
    }

    /** Stops the loops; what is in flight is cut. Front ends are stopped before. */
    @Override
    public void close() {
        blocking.shutdown();
        loops.forEach(CoreLoop::stop);
        join(threads);
    }

    private static void join(final List<Thread> threads) {
        for (final Thread thread : threads) {
            try {
                thread.join(JOIN_MILLIS);
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }
}
