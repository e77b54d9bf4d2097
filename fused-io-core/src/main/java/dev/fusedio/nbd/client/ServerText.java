package dev.fusedio.nbd.client;

import java.nio.charset.StandardCharsets;

/** Text of a server's, fit to be shown: bounded, and without characters that would move a terminal's cursor. */
final class ServerText {
    private static final int MAX_SHOWN = 256;

    private ServerText() {}

    static String of(final byte[] utf8) {
        return sanitised(new String(utf8, 0, Math.min(utf8.length, 4 * MAX_SHOWN), StandardCharsets.UTF_8));
    }

    static String sanitised(final String text) {
        final StringBuilder shown = new StringBuilder(Math.min(text.length(), MAX_SHOWN) + 1);
        text.codePoints().limit(MAX_SHOWN).forEach(c -> shown.appendCodePoint(isPlain(c) ? c : '?'));
        if (text.codePointCount(0, text.length()) > MAX_SHOWN) {
            shown.append('…');
        }
        return shown.toString();
    }

    /** Neither control characters nor those that change the direction of text or can't be seen. */
    private static boolean isPlain(final int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.UNASSIGNED,
                    Character.PRIVATE_USE -> false;
            default -> true;
        };
    }
}
