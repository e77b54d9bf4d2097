package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import java.util.List;
import java.util.SplittableRandom;

/** All chance in a simulated kernel: which faults happen, and how much of a transfer. */
final class Chance {
    private final SplittableRandom random;
    private final SimulatedFaults faults;

    Chance(final long seed, final SimulatedFaults faults) {
        this.random = new SplittableRandom(seed);
        this.faults = faults;
    }

    boolean happens(final Fault fault) {
        final int rate = faults.rate(fault);
        return rate > 0 && random.nextInt(1000) < rate;
    }

    /** A negated passing error, or 0. */
    int passing() {
        if (happens(Fault.EAGAIN)) {
            return -Errno.EAGAIN;
        }
        return happens(Fault.EINTR) ? -Errno.EINTR : 0;
    }

    /** {@code length}, or less but not nothing. */
    int perhapsShort(final int length) {
        return length > 1 && happens(Fault.SHORT) ? 1 + random.nextInt(length - 1) : length;
    }

    /** How much of {@code length} moves in one step. */
    int fragment(final int length) {
        return length > 1 && happens(Fault.FRAGMENT) ? 1 + random.nextInt(length) : length;
    }

    /** How many of {@code waiting} entries one io_uring_enter takes. */
    int submission(final int waiting) {
        if (waiting > 0 && happens(Fault.NOTHING_TAKEN)) {
            return 0;
        }
        return waiting > 1 && happens(Fault.PARTIAL_SUBMISSION) ? 1 + random.nextInt(waiting - 1) : waiting;
    }

    /** Steps that something is late by. */
    int lateness() {
        return happens(Fault.LATE) ? steps() : 0;
    }

    int steps() {
        return 1 + random.nextInt(8);
    }

    /** 4 KiB to 256 KiB. */
    int socketBuffer() {
        return 1 << (12 + random.nextInt(7));
    }

    <T> void perhapsShuffle(final List<T> items) {
        if (!happens(Fault.REORDER)) {
            return;
        }
        for (int i = items.size() - 1; i > 0; i--) {
            final int other = random.nextInt(i + 1);
            final T swapped = items.get(i);
            items.set(i, items.get(other));
            items.set(other, swapped);
        }
    }
}
