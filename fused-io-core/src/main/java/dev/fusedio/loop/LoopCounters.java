package dev.fusedio.loop;

import dev.fusedio.ring.RingDriver;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;

/** What a loop counts. Its thread writes; any thread reads. */
final class LoopCounters {
    private static final int ENTERS = 0;
    private static final int SUBMISSIONS = 1;
    private static final int COMPLETIONS = 2;
    private static final int OVERFLOWS = 3;
    private static final int LEASED = 4;
    private static final int REQUESTS = 5;
    private static final int BORROWED = 6;
    private static final int COPIED = 7;
    private static final int COUNTERS = 8;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private final Counters counters = new Counters(COUNTERS);

    /** Once a round. */
    void publish(final RingDriver driver, final Slab slab) {
        counters.set(ENTERS, driver.enters());
        counters.set(SUBMISSIONS, driver.submissions());
        counters.set(COMPLETIONS, driver.completions());
        counters.set(OVERFLOWS, driver.overflows());
        counters.set(LEASED, slab.leased());
    }

    void request() {
        counters.add(REQUESTS, 1);
    }

    void borrowed(final long bytes) {
        counters.add(BORROWED, bytes);
    }

    void copied(final long bytes) {
        counters.add(COPIED, bytes);
    }

    /** The counts of this moment. Any thread. */
    LoopSnapshot snapshot(final int core, final Thread thread, final long slabBytes) {
        return new LoopSnapshot(
                core,
                Math.max(THREADS.getThreadCpuTime(thread.threadId()), 0),
                counters.get(ENTERS),
                counters.get(SUBMISSIONS),
                counters.get(COMPLETIONS),
                counters.get(OVERFLOWS),
                counters.get(REQUESTS),
                counters.get(BORROWED),
                counters.get(COPIED),
                counters.get(LEASED),
                slabBytes);
    }
}
