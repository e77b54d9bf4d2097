package dev.fusedio.gateway.engine;

/**
 * A core loop's counters at one moment. All but the gauges only grow.
 *
 * @param core the processor
 * @param busyNanos processor time used
 * @param enters calls of {@code io_uring_enter}
 * @param submissions entries submitted
 * @param completions completions received
 * @param overflows times the completion queue overflowed
 * @param requests requests answered
 * @param borrowedBytes payload moved without a copy in this process
 * @param copiedBytes payload this process copied
 * @param leasedBytes gauge: memory on lease
 * @param slabBytes gauge: memory that can be leased
 */
public record LoopCounters(
        int core,
        long busyNanos,
        long enters,
        long submissions,
        long completions,
        long overflows,
        long requests,
        long borrowedBytes,
        long copiedBytes,
        long leasedBytes,
        long slabBytes) {}
