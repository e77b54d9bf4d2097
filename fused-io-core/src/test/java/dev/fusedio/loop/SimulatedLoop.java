package dev.fusedio.loop;

import dev.fusedio.ring.ProvidedBuffers;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedRing;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Mapping;
import dev.fusedio.sys.SimulatedTime;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A core loop over a simulated kernel, in the thread of the test: nothing happens but by {@link #run} and its like, and
 * all of it again from the same seed.
 *
 * <p>The kernel's faults, and the checks that it makes of the program, are described at {@link SimulatedRing}. Its
 * descriptors are numbers from {@link SimulatedRing#FIRST_DESCRIPTOR} on: harmless to the real kernel, which answers
 * EBADF when the program makes a system call on one ({@code loop.libc().close}, {@code shutdown}, {@code setsockopt}).
 * Such calls have no effect on the simulation unless {@link SimulatedRing#noticeSystemCalls} was asked for; see also
 * {@link SimulatedRing#closeDescriptor} and {@link dev.fusedio.ring.SimulatedSocket#isReleased}. Memory, and the loop's
 * eventfd, are real.
 */
public final class SimulatedLoop implements AutoCloseable {
    private static final int ROUNDS = 1_000_000;

    /** Rounds without any progress after which a loop is taken to be idle: mail and deferred work had their turn. */
    private static final int IDLE_ROUNDS = 3;

    private final Arena arena = Arena.ofConfined();
    private final SimulatedTime time = new SimulatedTime();
    private final List<Throwable> errors = new ArrayList<>();
    private final Mapping memory;
    private final ProvidedBuffers receive;
    private final SimulatedRing ring;
    private final CoreLoop loop;

    /**
     * What a loop has.
     *
     * @param entries submission entries, a power of two
     * @param completions completion entries; few of them make the queue overflow
     * @param files places in the file table
     * @param slabBytes leasable memory, a multiple of 2 MiB
     * @param slabRegistered whether leases are fixed buffer 0
     * @param receiveBuffers how many, a power of two
     * @param receiveBufferBytes bytes of each
     */
    public record Config(
            int entries,
            int completions,
            int files,
            long slabBytes,
            boolean slabRegistered,
            int receiveBuffers,
            int receiveBufferBytes) {
        /** A small loop; every fourth seed has a tiny ring, others have no registered memory or a short table. */
        public static Config of(final long seed) {
            final boolean tiny = seed % 4 == 0;
            return new Config(
                    tiny ? 8 : 64,
                    tiny ? 4 : 256,
                    seed % 5 == 0 ? 1 : 64,
                    4L << 20,
                    seed % 3 != 0,
                    tiny ? 2 : 16,
                    tiny ? 4096 : 65536);
        }

        /** The same with room for chains of {@code count}. */
        public Config withEntriesFor(final int count) {
            return new Config(
                    Math.max(entries, count),
                    completions,
                    files,
                    slabBytes,
                    slabRegistered,
                    receiveBuffers,
                    receiveBufferBytes);
        }
    }

    /** A loop as {@link Config#of} draws it. */
    public SimulatedLoop(final long seed, final SimulatedFaults faults) throws SystemCallException {
        this(seed, faults, Config.of(seed));
    }

    /** A loop with a simulated kernel whose chance comes from {@code seed}. */
    public SimulatedLoop(final long seed, final SimulatedFaults faults, final Config config)
            throws SystemCallException {
        final Libc libc = new Libc(arena);
        ring = new SimulatedRing(seed, faults, time, arena, config.entries(), config.completions(), config.files());
        memory = Mapping.anonymous(libc, config.slabBytes(), "the slab");
        if (config.slabRegistered()) {
            ring.registerBuffers(memory.address(), memory.length(), 64);
        }
        receive = new ProvidedBuffers(ring, libc, config.receiveBuffers(), config.receiveBufferBytes());
        loop = new CoreLoop(
                0,
                ring,
                libc,
                arena,
                time,
                new Slab(memory.address(), memory.length()),
                config.slabRegistered(),
                receive,
                64,
                errors::add);
    }

    public CoreLoop loop() {
        return loop;
    }

    public SimulatedRing ring() {
        return ring;
    }

    public SimulatedTime time() {
        return time;
    }

    /** One round that doesn't sleep. Fails when a handler let an exception through. */
    public void runOnce() {
        loop.runOnce(false);
        check();
    }

    /** Runs until nothing happens any more without a peer's action or time. Timers that are not due stay. */
    public void run() {
        int idle = 0;
        for (int round = 0; idle < IDLE_ROUNDS; round++) {
            final long before = ring.completions() + ring.submissions();
            runOnce();
            final boolean progress = ring.completions() + ring.submissions() != before;
            idle = progress || !ring.isQuiet() ? 0 : idle + 1;
            requireProgress(round);
        }
    }

    /** Runs, and lets time pass to the next deadline whenever nothing else happens, until {@code done}. */
    public void runUntil(final BooleanSupplier done) {
        for (int round = 0; !done.getAsBoolean(); round++) {
            run();
            if (done.getAsBoolean()) {
                return;
            }
            final long next = loop.timers().untilNext(loop.preciseNow());
            if (next < 0) {
                throw new AssertionError("nothing is under way and no timer is set, yet what was awaited isn't there");
            }
            sleep(next);
            requireProgress(round);
        }
    }

    /** Runs for a time, with all deadlines that are in it. */
    public void runFor(final long nanos) {
        final long end = time.nanos() + nanos;
        run();
        for (int round = 0; end - time.nanos() > 0; round++) {
            final long next = loop.timers().untilNext(loop.preciseNow());
            final long rest = end - time.nanos();
            sleep(next < 0 ? rest : Math.min(next, rest));
            run();
            requireProgress(round);
        }
    }

    /** Lets the loop sleep for a time, unless a completion comes before. */
    private void sleep(final long nanos) {
        final Timer end = new Timer() {
            @Override
            protected void expired() {
                // the loop is awake
            }
        };
        loop.timers().schedule(end, loop.preciseNow() + nanos);
        loop.runOnce(true);
        loop.timers().cancel(end);
        check();
    }

    private static void requireProgress(final int round) {
        if (round > ROUNDS) {
            throw new AssertionError("the loop hasn't come to rest after " + ROUNDS + " rounds");
        }
    }

    private void check() {
        if (!errors.isEmpty()) {
            throw new AssertionError("a handler let an exception through", errors.getFirst());
        }
    }

    /** Exceptions that handlers let through, for tests that provoke them; taken, they don't fail the test any more. */
    public List<Throwable> takeErrors() {
        final List<Throwable> taken = List.copyOf(errors);
        errors.clear();
        return taken;
    }

    /** Fails unless all leased memory was given back. */
    public void requireNothingLeased() {
        if (loop.slab().leased() != 0) {
            throw new AssertionError(loop.slab().leased() + " bytes are still on lease");
        }
    }

    @Override
    public void close() {
        ring.close();
        loop.close();
        receive.close();
        memory.close();
        arena.close();
    }
}
