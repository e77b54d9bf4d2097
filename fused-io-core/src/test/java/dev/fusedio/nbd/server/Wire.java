package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Bytes as a client puts them on the wire, right or wrong: nothing is checked here. */
public final class Wire {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    public static Wire bytes() {
        return new Wire();
    }

    Wire u8(final int value) {
        bytes.write(value);
        return this;
    }

    public Wire u16(final int value) {
        return u8(value >>> 8).u8(value);
    }

    public Wire u32(final long value) {
        return u16((int) (value >>> 16)).u16((int) value);
    }

    public Wire u64(final long value) {
        return u32(value >>> 32).u32(value);
    }

    public Wire raw(final byte... source) {
        bytes.writeBytes(source);
        return this;
    }

    Wire text(final String text) {
        return raw(text.getBytes(StandardCharsets.UTF_8));
    }

    /** A string with its 32-bit length before it. */
    Wire counted(final String text) {
        final byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return u32(utf8.length).raw(utf8);
    }

    public byte[] toArray() {
        return bytes.toByteArray();
    }

    static byte[] option(final int option, final byte... data) {
        return option(NbdProtocol.IHAVEOPT, option, data.length, data);
    }

    /** An option whose header needn't fit its data. */
    static byte[] option(final long magic, final int option, final long length, final byte... data) {
        return bytes().u64(magic).u32(option).u32(length).raw(data).toArray();
    }

    /** Data of INFO and GO. */
    static byte[] info(final String export, final int... types) {
        final Wire data = bytes().counted(export).u16(types.length);
        for (final int type : types) {
            data.u16(type);
        }
        return data.toArray();
    }

    /** Data of LIST_META_CONTEXT and SET_META_CONTEXT. */
    static byte[] contexts(final String export, final String... queries) {
        final Wire data = bytes().counted(export).u32(queries.length);
        List.of(queries).forEach(data::counted);
        return data.toArray();
    }

    /** A request's header, compact or extended, with the magic that belongs to it. */
    static byte[] request(
            final boolean extended,
            final int flags,
            final int type,
            final long cookie,
            final long offset,
            final long length) {
        return request(
                extended,
                extended ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC,
                flags,
                type,
                cookie,
                offset,
                length);
    }

    static byte[] request(
            final boolean extended,
            final int magic,
            final int flags,
            final int type,
            final long cookie,
            final long offset,
            final long length) {
        final ByteBuffer header = ByteBuffer.allocate(
                        extended ? NbdProtocol.EXTENDED_REQUEST_BYTES : NbdProtocol.REQUEST_BYTES)
                .putInt(magic)
                .putShort((short) flags)
                .putShort((short) type)
                .putLong(cookie)
                .putLong(offset);
        return (extended ? header.putLong(length) : header.putInt((int) length)).array();
    }

    static byte[] join(final byte[]... parts) {
        final Wire all = bytes();
        for (final byte[] part : parts) {
            all.raw(part);
        }
        return all.toArray();
    }
}
