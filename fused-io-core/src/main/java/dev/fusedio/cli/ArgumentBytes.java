package dev.fusedio.cli;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The command line's arguments as the bytes that they are. The JVM decodes them by the locale, which loses what it has no
 * characters for; here they are UTF-8 whatever the locale, and a byte that is none is kept as the lone surrogate
 * {@code U+DC00 + byte}, as Python's PEP 383 does.
 */
final class ArgumentBytes {
    private static final Path COMMAND_LINE = Path.of("/proc/self/cmdline");
    private static final char ESCAPE = '\uDC00';

    private ArgumentBytes() {}

    /** This process's arguments, in which {@code decoded} is what the JVM made of them. */
    static List<String> ofThisProcess(final String[] decoded) {
        try {
            return ofCommandLine(Files.readAllBytes(COMMAND_LINE), decoded);
        } catch (final IOException e) {
            return List.of(decoded); // without /proc: as far as the locale goes
        }
    }

    /**
     * The last of the words in {@code commandLine}.
     *
     * @param commandLine words that each end with NUL, as in proc(5)
     * @param decoded as many arguments as are to be taken, and what they are where there are fewer words
     */
    static List<String> ofCommandLine(final byte[] commandLine, final String[] decoded) {
        final List<String> words = new ArrayList<>();
        int from = 0;
        for (int at = 0; at < commandLine.length; at++) {
            if (commandLine[at] == 0) {
                words.add(decode(Arrays.copyOfRange(commandLine, from, at)));
                from = at + 1;
            }
        }
        return words.size() < decoded.length
                ? List.of(decoded)
                : List.copyOf(words.subList(words.size() - decoded.length, words.size()));
    }

    private static String decode(final byte[] bytes) {
        final StringBuilder text = new StringBuilder();
        int at = 0;
        while (at < bytes.length) {
            final int length = characterAt(bytes, at);
            if (length == 0) {
                text.append((char) (ESCAPE + (bytes[at++] & 0xFF)));
            } else {
                text.append(new String(bytes, at, length, StandardCharsets.UTF_8));
                at += length;
            }
        }
        return text.toString();
    }

    /** The bytes of the UTF-8 character at {@code at}; 0 when there is none. */
    private static int characterAt(final byte[] bytes, final int at) {
        final int lead = bytes[at] & 0xFF;
        final int length = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4; // RFC 3629
        if (at + length > bytes.length) {
            return 0;
        }
        try {
            StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes, at, length));
            return length;
        } catch (final CharacterCodingException e) {
            return 0;
        }
    }

    /** The bytes that an argument was. */
    static byte[] encode(final String argument) {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        argument.codePoints().forEach(character -> {
            if (isEscape(character)) {
                bytes.write(character - ESCAPE);
            } else {
                bytes.writeBytes(Character.toString(character).getBytes(StandardCharsets.UTF_8));
            }
        });
        return bytes.toByteArray();
    }

    /** Whether all of an argument is UTF-8. */
    static boolean isText(final String argument) {
        return argument.codePoints().noneMatch(ArgumentBytes::isEscape);
    }

    /** For messages: bytes that are no UTF-8 as {@code \xe9}. */
    static String shown(final String argument) {
        final StringBuilder text = new StringBuilder();
        argument.codePoints().forEach(character -> {
            if (isEscape(character)) {
                text.append(String.format("\\x%02x", character - ESCAPE));
            } else {
                text.appendCodePoint(character);
            }
        });
        return text.toString();
    }

    private static boolean isEscape(final int character) {
        return character >= ESCAPE + 0x80 && character <= ESCAPE + 0xFF;
    }
}
