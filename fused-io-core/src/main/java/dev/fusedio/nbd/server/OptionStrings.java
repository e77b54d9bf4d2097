package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/** Strings in options and their replies: UTF-8, without NUL, 4096 bytes at most (specification, "Values"). */
final class OptionStrings {
    private OptionStrings() {}

    /** {@code u32 length, string}; null when that isn't what is there. */
    static @Nullable String counted(final ByteBuffer data) {
        if (data.remaining() < 4) {
            return null;
        }
        final long length = data.getInt() & 0xFFFF_FFFFL;
        return length > Math.min(data.remaining(), NbdProtocol.MAX_STRING) ? null : take(data, (int) length);
    }

    static @Nullable String take(final ByteBuffer data, final int length) {
        final ByteBuffer slice = data.slice(data.position(), length);
        data.position(data.position() + length);
        try {
            final String text =
                    StandardCharsets.UTF_8.newDecoder().decode(slice).toString();
            return text.indexOf('\0') >= 0 ? null : text;
        } catch (final CharacterCodingException e) {
            return null; // the caller tells the client what is malformed
        }
    }

    /** Strings MUST NOT exceed 4096 bytes; what is longer (a description) is cut. */
    static byte[] utf8(final String text) {
        final byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return bytes.length <= NbdProtocol.MAX_STRING
                ? bytes
                : utf8(text.substring(0, text.length() - (bytes.length - NbdProtocol.MAX_STRING + 3) / 4));
    }
}
