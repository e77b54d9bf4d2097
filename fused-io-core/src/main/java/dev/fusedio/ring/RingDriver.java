package dev.fusedio.ring;

/**
 * One ring as a core loop sees it: entries are written to memory, handed over in batches, and come back as
 * completions. The kernel's driver is {@link KernelRing}; tests have a simulated one that reads the very same entries.
 *
 * <p>Confined to the thread that created it.
 */
public interface RingDriver extends AutoCloseable {
    /**
     * The address of the next free submission entry. When the queue is full, what is in it is submitted first; if the
     * kernel takes nothing, the entry waits outside the queue, in order with all others. It must be filled by
     * {@link Sqe} before the next call of any method.
     */
    long sqe();

    /**
     * Makes room for {@code count} entries, so that a chain of linked ones isn't cut by a submission in between.
     *
     * @param count at most what the ring has
     */
    void reserve(int count);

    /** Entries written that the kernel has not taken. */
    int pending();

    /**
     * Submits all entries and, when {@code wait} is set and no completion is ready, sleeps until one is or the time is
     * over.
     *
     * @param timeoutNanos how long to sleep at most; negative for no limit
     */
    void enter(boolean wait, long timeoutNanos);

    /** Passes every completion that is ready to {@code sink}. Returns how many. */
    int drain(CompletionSink sink);

    /** What was granted and what was refused, with the reason. */
    RingFeatures features();

    /**
     * Registers one range of memory as fixed buffer 0, in a table with room for buffers that others lend, such as block
     * requests of ublk.
     *
     * @param length bytes; 0 for a table of spare places only
     * @param spare places 1 to {@code spare} of the table, which {@link #takeBufferIndex} gives out; at most 16383
     * @return 0, or the negated error number (-ENOMEM: the limit on locked memory); the spare places may be usable all
     *     the same
     */
    int registerBuffers(long address, long length, int spare);

    /** A free place of the buffer table, from 1; -1 when none is left or the kernel has no tables with free places. */
    int takeBufferIndex();

    /** Gives a place back; nothing is registered there any more. */
    void giveBufferIndex(int index);

    /**
     * Registers a ring of provided buffers.
     *
     * @param entries a power of two, at most 32768
     * @return 0 or the negated error number
     */
    int registerProvidedBuffers(int group, long ringAddress, int entries);

    /**
     * Puts a descriptor into the ring's file table.
     *
     * @return its index there, or -1 when there is no table or no room: the plain descriptor is then to be used
     */
    int installFile(int fd);

    /** Frees an index that {@link #installFile} gave. Operations in flight keep their file. */
    void removeFile(int index);

    /** io_uring_enter calls so far. */
    long enters();

    /** Entries submitted so far. */
    long submissions();

    /** Completions drained so far. */
    long completions();

    /** How often the completion queue was found to have overflowed into the kernel's backlog. */
    long overflows();

    @Override
    void close();
}
