package dev.fusedio.loop;

import dev.fusedio.ring.KernelRing;
import dev.fusedio.ring.RingFeatures;
import dev.fusedio.ring.RingUnavailableException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** All core loops of a process, and the few threads for calls that block and have no place in a ring. */
public final class LoopGroup implements AutoCloseable {
    private static final int BLOCKING_THREADS = 2;
    private static final int BLOCKING_QUEUE = 4096;
    private static final String SMALLER_RINGS = "RING_ENTRIES";
    private static final String FEWER_LOOPS = "LOOPS";
    private static final String LOCKED_MEMORY_REMEDY =
            "; raise the limit (ulimit -l, LimitMEMLOCK=infinity) or grant CAP_IPC_LOCK";

    private static final long JOIN_MILLIS = 5_000;

    private final List<CoreLoop> loops;
    private final List<Thread> threads;
    private final RingFeatures features;
    private final ExecutorService blocking;
    private final AtomicInteger nextLoop = new AtomicInteger();
    private final CompletableFuture<Throwable> failed;

    private LoopGroup(
            final List<CoreLoop> loops,
            final List<Thread> threads,
            final RingFeatures features,
            final ExecutorService blocking,
            final CompletableFuture<Throwable> failed) {
        this.loops = loops;
        this.threads = threads;
        this.features = features;
        this.blocking = blocking;
        this.failed = failed;
    }

    /**
     * Starts one loop a core and returns when all of them run. Where little memory may be locked, rings are smaller,
     * request memory is not registered, and in the end there are fewer loops; {@link #features} says so.
     *
     * @param errors is told of exceptions that a loop's handlers let through; any loop's thread
     * @throws IOException when a ring can't be had; the message says what to change
     */
    public static LoopGroup start(final LoopConfig config, final Consumer<Throwable> errors) throws IOException {
        final LockedMemory locked = LockedMemory.plan(config);
        final CompletableFuture<Throwable> failed = new CompletableFuture<>();
        final List<CompletableFuture<CoreLoop>> starting = new ArrayList<>();
        final List<Thread> threads = new ArrayList<>();
        for (final int core : config.cores()) {
            final CompletableFuture<CoreLoop> started = new CompletableFuture<>();
            threads.add(Thread.ofPlatform()
                    .name("core-" + core)
                    .daemon(true)
                    .start(() -> serve(config, locked, core, errors, started, failed)));
            starting.add(started);
            if (locked.limit() >= 0) { // one after the other: two that share what is left could both fail
                started.handle((loop, refused) -> refused == null).join();
            }
        }
        final List<CoreLoop> loops = new ArrayList<>();
        final List<Thread> running = new ArrayList<>();
        IOException failure = null;
        IOException shortage = null;
        for (int i = 0; i < starting.size(); i++) {
            try {
                loops.add(starting.get(i).get());
                running.add(threads.get(i));
            } catch (final ExecutionException e) {
                if (e.getCause() instanceof RingUnavailableException ring && ring.isOutOfMemory()) {
                    shortage = ring; // fewer loops serve as well
                } else {
                    failure = e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
                failure = new IOException("interrupted while the core loops started", e);
            }
        }
        if (loops.isEmpty() && failure == null) {
            failure = shortage;
        }
        if (failure != null) {
            for (final CompletableFuture<CoreLoop> started : starting) { // those that are still starting as well
                started.handle((loop, refused) -> stop(loop)).join();
            }
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
        return new LoopGroup(
                List.copyOf(loops), List.copyOf(running), describe(config, locked, loops), blocking, failed);
    }

    private static RingFeatures describe(
            final LoopConfig config, final LockedMemory locked, final List<CoreLoop> loops) {
        final RingFeatures ring = loops.getFirst().driver().features();
        final List<String> granted = new ArrayList<>(ring.granted());
        final List<RingFeatures.Refusal> refused = new ArrayList<>(ring.refused());
        granted.add("REGISTER_PBUF_RING");
        final String remedy =
                locked.limit() < 0 ? "" : " (the limit is " + locked.limit() + " bytes)" + LOCKED_MEMORY_REMEDY;
        if (loops.stream().allMatch(CoreLoop::slabRegistered)) {
            granted.add("REGISTER_BUFFERS");
        } else {
            refused.add(new RingFeatures.Refusal(
                    "REGISTER_BUFFERS",
                    "the request memory of " + loops.size() + " loops, " + config.slabBytes()
                            + " bytes each, does not fit into the limit on locked memory" + remedy));
        }
        final int entries = loops.stream()
                .mapToInt(loop -> loop.driver() instanceof KernelRing kernel ? kernel.entries() : config.ringEntries())
                .min()
                .orElseThrow();
        if (entries < config.ringEntries()) {
            refused.add(new RingFeatures.Refusal(
                    SMALLER_RINGS,
                    entries + " entries a ring instead of " + config.ringEntries()
                            + " fit into the limit on locked memory" + remedy));
        }
        if (loops.size() < config.cores().size()) {
            refused.add(new RingFeatures.Refusal(
                    FEWER_LOOPS,
                    loops.size() + " loops instead of " + config.cores().size() + " fit into the limit on locked memory"
                            + remedy));
        }
        return new RingFeatures(granted, refused);
    }

    /** One line about what was reduced because little memory may be locked; empty if nothing was. */
    public Optional<String> shortage() {
        final List<String> reduced = new ArrayList<>();
        for (final RingFeatures.Refusal refusal : features.refused()) {
            switch (refusal.feature()) {
                case "REGISTER_BUFFERS" -> reduced.add("request memory is not registered");
                case SMALLER_RINGS -> reduced.add("rings are smaller");
                case FEWER_LOOPS -> reduced.add(loops.size() + " cores serve");
                default -> {}
            }
        }
        return reduced.isEmpty()
                ? Optional.empty()
                : Optional.of("little memory may be locked: " + String.join(", ", reduced) + LOCKED_MEMORY_REMEDY);
    }

    private static void serve(
            final LoopConfig config,
            final LockedMemory locked,
            final int core,
            final Consumer<Throwable> errors,
            final CompletableFuture<CoreLoop> started,
            final CompletableFuture<Throwable> failed) {
        try (LoopMemory memory = LoopMemory.open(config, locked, core, errors)) {
            final CoreLoop loop = memory.loop(core, config.mailboxCapacity());
            started.complete(loop);
            try {
                loop.run();
            } catch (final RuntimeException | Error e) {
                failed.complete(e); // before the ring is closed, which can take its time
                throw e;
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

    /** A loop for work that has none yet: each in turn, but those that have ended. Any thread. */
    public CoreLoop next() {
        CoreLoop next = loops.getFirst();
        for (int i = 0; i < loops.size(); i++) {
            next = loops.get(Math.floorMod(nextLoop.getAndIncrement(), loops.size()));
            if (!next.hasEnded()) {
                break;
            }
        }
        return next;
    }

    /**
     * Completes when a loop ends that was not stopped, with what ended it. The process is to end then: its volumes are
     * served by fewer loops than clients and devices were told, and what went wrong there can go wrong again.
     */
    public CompletionStage<Throwable> failed() {
        return failed;
    }

    /** Waits until a loop ends that was not stopped. */
    public void awaitFailure() throws InterruptedException {
        final CountDownLatch ended = new CountDownLatch(1);
        final CompletableFuture<Void> _ = failed.thenRun(ended::countDown);
        ended.await();
    }

    /** What the rings were granted and refused; the same for all of them. */
    public RingFeatures features() {
        return features;
    }

    /** Runs calls that block (seeking through extents, opening files). Rejects work when 4096 tasks wait. */
    public ExecutorService blocking() {
        return blocking;
    }

    /** Whether every loop runs. */
    public boolean isRunning() {
        return loops.stream().noneMatch(CoreLoop::hasEnded) && threads.stream().allMatch(Thread::isAlive);
    }

    /** Stops the loops; what is in flight is cut. Front ends are stopped before. */
    @Override
    public void close() {
        blocking.shutdown();
        loops.forEach(CoreLoop::stop);
        join(threads);
    }

    private static boolean stop(final @Nullable CoreLoop loop) {
        if (loop != null) {
            loop.stop();
        }
        return loop != null;
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
