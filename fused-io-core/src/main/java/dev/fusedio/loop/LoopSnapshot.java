package dev.fusedio.loop;

/**
 * A loop's counts at one moment.
 *
 * @param core the processor it runs on
 * @param busyNanos processor time that its thread has used
 * @param enters io_uring_enter calls
 * @param submissions entries submitted
 * @param completions completions received
 * @param overflows times the completion queue overflowed into the kernel's backlog
 * @param requests requests of front ends that were answered
 * @param borrowedBytes payload that went from or to a file or socket through the buffer of its command, not copied by
 *     this process
 * @param copiedBytes payload that this process copied
 * @param leasedBytes memory on lease
 * @param slabBytes memory that can be leased
 */
public record LoopSnapshot(
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
