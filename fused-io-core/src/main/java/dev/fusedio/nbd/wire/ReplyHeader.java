package dev.fusedio.nbd.wire;

import dev.fusedio.sys.Memory;

/** Composes reply headers in native memory (specification, "Reply message", "Extended reply message"). */
public final class ReplyHeader {
    /** Room for any header with an error text. */
    public static final int MAX_BYTES = 192;

    private static final int OFFSET_BYTES = 8;
    private static final int HOLE_BYTES = 12;
    private static final int ERROR_BYTES = 6;

    private ReplyHeader() {}

    /** A simple reply. Returns its bytes. */
    public static int simple(final long at, final int error, final long cookie) {
        Memory.putIntBe(at, NbdProtocol.SIMPLE_REPLY_MAGIC);
        Memory.putIntBe(at + 4, error);
        Memory.putLongBe(at + 8, cookie);
        return NbdProtocol.SIMPLE_REPLY_BYTES;
    }

    private static int chunk(
            final long at,
            final boolean extended,
            final boolean done,
            final int type,
            final long cookie,
            final long requestOffset,
            final long length) {
        Memory.putIntBe(at, extended ? NbdProtocol.EXTENDED_REPLY_MAGIC : NbdProtocol.STRUCTURED_REPLY_MAGIC);
        Memory.putShortBe(at + 4, (short) (done ? NbdProtocol.REPLY_FLAG_DONE : 0));
        Memory.putShortBe(at + 6, (short) type);
        Memory.putLongBe(at + 8, cookie);
        if (extended) {
            Memory.putLongBe(at + 16, requestOffset);
            Memory.putLongBe(at + 24, length);
            return NbdProtocol.EXTENDED_CHUNK_BYTES;
        }
        Memory.putIntBe(at + 16, (int) length);
        return NbdProtocol.CHUNK_BYTES;
    }

    /** The end of a reply that has nothing more to say. */
    public static int none(final long at, final boolean extended, final long cookie, final long requestOffset) {
        return chunk(at, extended, true, NbdProtocol.REPLY_TYPE_NONE, cookie, requestOffset, 0);
    }

    /** A chunk of data, which follows the header. */
    public static int data(
            final long at,
            final boolean extended,
            final boolean done,
            final long cookie,
            final long requestOffset,
            final long offset,
            final int length) {
        final int header = chunk(
                at,
                extended,
                done,
                NbdProtocol.REPLY_TYPE_OFFSET_DATA,
                cookie,
                requestOffset,
                OFFSET_BYTES + (long) length);
        Memory.putLongBe(at + header, offset);
        return header + OFFSET_BYTES;
    }

    /** A chunk that stands for zeroes. */
    public static int hole(
            final long at,
            final boolean extended,
            final boolean done,
            final long cookie,
            final long requestOffset,
            final long offset,
            final int length) {
        final int header =
                chunk(at, extended, done, NbdProtocol.REPLY_TYPE_OFFSET_HOLE, cookie, requestOffset, HOLE_BYTES);
        Memory.putLongBe(at + header, offset);
        Memory.putIntBe(at + header + OFFSET_BYTES, length);
        return header + HOLE_BYTES;
    }

    /** An error, with its text; the end of the reply. */
    public static int error(
            final long at,
            final boolean extended,
            final long cookie,
            final long requestOffset,
            final Rejection rejection) {
        final byte[] text = rejection.text();
        final int header = chunk(
                at,
                extended,
                true,
                NbdProtocol.REPLY_TYPE_ERROR,
                cookie,
                requestOffset,
                ERROR_BYTES + (long) text.length);
        Memory.putIntBe(at + header, rejection.errno());
        Memory.putShortBe(at + header + 4, (short) text.length);
        Memory.put(at + header + ERROR_BYTES, text, 0, text.length);
        return header + ERROR_BYTES + text.length;
    }

    /** Block status of one context; the descriptors follow the header. */
    public static int blockStatus(
            final long at, final boolean extended, final long cookie, final long requestOffset, final int count) {
        if (extended) {
            final int header = chunk(
                    at, true, true, NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT, cookie, requestOffset, 8 + 16L * count);
            Memory.putIntBe(at + header, NbdProtocol.BASE_ALLOCATION_ID);
            Memory.putIntBe(at + header + 4, count);
            return header + 8;
        }
        final int header =
                chunk(at, false, true, NbdProtocol.REPLY_TYPE_BLOCK_STATUS, cookie, requestOffset, 4 + 8L * count);
        Memory.putIntBe(at + header, NbdProtocol.BASE_ALLOCATION_ID);
        return header + 4;
    }
}
