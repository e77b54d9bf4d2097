package dev.fusedio.loop;

import dev.fusedio.ring.KernelRing;
import dev.fusedio.sys.Affinity;
import java.util.Collections;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A process of its own that starts loops under the limits it was given, and prints what it got. */
final class LockedMemoryTrial {
    private LockedMemoryTrial() {}

    /** @param arguments the number of loops */
    public static void main(final String[] arguments) throws Exception {
        final int loops = Integer.parseInt(arguments[0]);
        final int core = Affinity.allowed().getFirst();
        final LoopConfig config =
                new LoopConfig(Collections.nCopies(loops, core), false, 1024, 2 << 20, 128, 65536, 64);
        try (LoopGroup group = LoopGroup.start(config, Throwable::printStackTrace)) {
            final CountDownLatch ran = new CountDownLatch(group.loops().size());
            group.loops().forEach(loop -> loop.execute(ran::countDown));
            final boolean all = ran.await(30, TimeUnit.SECONDS) && group.isRunning();
            final CoreLoop first = group.loops().getFirst();
            System.out.println("loops=" + group.loops().size() + " entries="
                    + (first.driver() instanceof KernelRing ring ? ring.entries() : 0) + " run=" + all
                    + " registered=" + group.features().has("REGISTER_BUFFERS"));
            System.out.println(group.shortage().orElse("no shortage"));
        }
    }
}
