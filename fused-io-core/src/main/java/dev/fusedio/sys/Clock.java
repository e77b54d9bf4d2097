package dev.fusedio.sys;

/** Monotonic time. The one door to the system's clock, so that simulated runs have their own time. */
@FunctionalInterface
public interface Clock {
    /** The kernel's CLOCK_MONOTONIC. */
    Clock MONOTONIC = System::nanoTime;

    /** Nanoseconds since an arbitrary origin; never goes backwards. Any thread. */
    long nanos();
}
