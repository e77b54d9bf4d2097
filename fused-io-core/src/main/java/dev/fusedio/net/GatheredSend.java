package dev.fusedio.net;

import dev.fusedio.loop.BlockPool;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.SocketCalls;
import org.jspecify.annotations.Nullable;

/**
 * Replies of one connection on their way out. All that are ready at the end of a round leave in one gathered send:
 * headers from a staging area, payload from the buffer of its command, which is on loan to the send until it is over.
 * One send is in flight at a time.
 */
public final class GatheredSend {
    /** Bytes of a send's block: {@code struct msghdr}, I/O vectors, staged headers. */
    public static final int BLOCK_BYTES = 16 << 10;

    private static final int IOVECS = 256;
    private static final int STAGING = SocketCalls.MSGHDR_BYTES + IOVECS * SocketCalls.IOVEC_BYTES;

    /** A send isn't made longer than this by adding another reply: the first of them shouldn't wait for the last. */
    private static final int SEND_BYTES = 1 << 20;

    private final BlockPool blocks;
    private @Nullable Outgoing head;
    private @Nullable Outgoing tail;
    private @Nullable Outgoing sending;

    /** A simple reply of which a part has been gathered: only it may go on. */
    private @Nullable Outgoing unfinished;

    private long block;
    private int vectors;
    private int firstVector;
    private long staged;
    private long total;
    private long sent;

    public GatheredSend(final BlockPool blocks) {
        this.blocks = blocks;
    }

    /** Adds a reply, or a chunk of one. */
    public void add(final Outgoing reply) {
        if (reply.equals(unfinished)) {
            reply.next = head;
            head = reply;
            if (tail == null) {
                tail = reply;
            }
            return;
        }
        reply.next = null;
        if (tail == null) {
            head = reply;
        } else {
            tail.next = reply;
        }
        tail = reply;
    }

    public boolean isSending() {
        return sending != null;
    }

    public boolean isEmpty() {
        return head == null;
    }

    /** Whether there is something that may be sent now. */
    public boolean isReady() {
        return sending == null && head != null && (unfinished == null || head.equals(unfinished));
    }

    /**
     * Gathers what is ready into one send.
     *
     * @return false when no block is free
     */
    public boolean prepare() {
        if (head == null || !isReady()) {
            throw new IllegalStateException("there is nothing that may be sent");
        }
        block = blocks.take();
        if (block == 0) {
            return false;
        }
        vectors = 0;
        firstVector = 0;
        staged = block + STAGING;
        total = 0;
        sent = 0;
        sending = head;
        Outgoing last = head;
        Outgoing reply = head;
        unfinished = null;
        while (reply != null && unfinished == null && total < SEND_BYTES && fits(reply)) {
            gather(reply);
            if (reply.isToBeContinued()) {
                unfinished = reply;
            }
            last = reply;
            reply = reply.next;
        }
        last.next = null;
        head = reply;
        if (reply == null) {
            tail = null;
        }
        return true;
    }

    private boolean fits(final Outgoing reply) {
        return vectors + 2 <= IOVECS && staged + reply.headerBytes() + 8 <= block + BLOCK_BYTES;
    }

    private void gather(final Outgoing reply) {
        final int header = reply.headerBytes();
        if (header > 0) {
            for (int i = 0; i < header; i += Long.BYTES) {
                Memory.putLong(staged + i, Memory.getLong(reply.header() + i));
            }
            append(staged, header);
            staged += header;
        }
        final int payload = reply.payloadBytes();
        if (payload > 0) {
            append(reply.payload(), payload);
        }
    }

    /** Adds a range, to the last vector where it continues that. */
    private void append(final long address, final int length) {
        total += length;
        if (vectors > 0) {
            final long last = vector(vectors - 1);
            final long base = Memory.getLong(last);
            final long bytes = Memory.getLong(last + 8);
            if (base + bytes == address) {
                Memory.putLong(last + 8, bytes + length);
                return;
            }
        }
        final long vector = vector(vectors++);
        Memory.putLong(vector, address);
        Memory.putLong(vector + 8, length);
    }

    private long vector(final int index) {
        return block + SocketCalls.MSGHDR_BYTES + (long) index * SocketCalls.IOVEC_BYTES;
    }

    /** Writes the submission for what {@link #prepare} gathered, or for what a short send left of it. */
    public void submit(final long sqe, final int fd, final int fileFlag, final long userData) {
        final long first = vector(firstVector);
        if (vectors - firstVector == 1) {
            Sqe.send(sqe, fd, fileFlag, Memory.getLong(first), (int) Memory.getLong(first + 8), userData);
            return;
        }
        Memory.zero(block, SocketCalls.MSGHDR_BYTES);
        Memory.putLong(block + SocketCalls.MSG_IOV, first);
        Memory.putLong(block + SocketCalls.MSG_IOVLEN, vectors - firstVector);
        Sqe.sendmsg(sqe, fd, fileFlag, block, userData);
    }

    /**
     * Takes a send's result in.
     *
     * @param bytes sent, positive
     * @return true when all was sent; false when the rest is to be submitted
     */
    public boolean advance(final int bytes) {
        sent += bytes;
        if (sent == total) {
            return true;
        }
        long left = bytes;
        while (left > 0) {
            final long vector = vector(firstVector);
            final long length = Memory.getLong(vector + 8);
            if (left < length) {
                Memory.putLong(vector, Memory.getLong(vector) + left);
                Memory.putLong(vector + 8, length - left);
                return false;
            }
            left -= length;
            firstVector++;
        }
        return false;
    }

    /** Ends the send: every reply in it is told. */
    public void finish(final boolean delivered) {
        blocks.give(block);
        block = 0;
        Outgoing reply = sending;
        sending = null;
        while (reply != null) {
            final Outgoing following = reply.next;
            reply.next = null;
            reply.onReplySent(delivered);
            reply = following;
        }
    }

    /** Drops what waits; a send under way ends by itself. */
    public void drop() {
        Outgoing reply = head;
        head = null;
        tail = null;
        unfinished = null;
        while (reply != null) {
            final Outgoing following = reply.next;
            reply.next = null;
            reply.onReplySent(false);
            reply = following;
        }
    }
}
