package dev.fusedio.gateway.config;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A number of bytes, as people and programs write it: {@code 1073741824}, {@code 1GiB}, {@code 1.5 TiB}, {@code 10GB}.
 * IEC units are powers of 1024 and SI units powers of 1000; a bare letter ({@code 10G}) is refused, because tools
 * disagree on what it means.
 *
 * @param bytes 0 or more
 */
public record ByteSize(long bytes) {
    private static final Pattern FORM = Pattern.compile("(\\d{1,19}(?:\\.\\d{1,9})?)\\s*([a-z]*)");
    private static final Map<String, Long> UNITS = Map.ofEntries(
            Map.entry("", 1L),
            Map.entry("b", 1L),
            Map.entry("kib", 1L << 10),
            Map.entry("mib", 1L << 20),
            Map.entry("gib", 1L << 30),
            Map.entry("tib", 1L << 40),
            Map.entry("pib", 1L << 50),
            Map.entry("kb", 1_000L),
            Map.entry("mb", 1_000_000L),
            Map.entry("gb", 1_000_000_000L),
            Map.entry("tb", 1_000_000_000_000L),
            Map.entry("pb", 1_000_000_000_000_000L));
    private static final int LONGEST_SHOWN = 80;
    private static final String[] IEC = {"KiB", "MiB", "GiB", "TiB", "PiB"};

    public ByteSize {
        if (bytes < 0) {
            throw new IllegalArgumentException("a size can't be negative: " + bytes);
        }
    }

    /**
     * Reads a size.
     *
     * @throws IllegalArgumentException if it is none; the message says what is allowed
     */
    public static ByteSize parse(final String text) {
        final Matcher matcher = FORM.matcher(text.strip().toLowerCase(Locale.ROOT));
        if (!matcher.matches()) {
            throw new IllegalArgumentException(refusal(text));
        }
        final Long unit = UNITS.get(matcher.group(2));
        if (unit == null) {
            throw new IllegalArgumentException(refusal(text));
        }
        try {
            return new ByteSize(new BigDecimal(matcher.group(1))
                    .multiply(BigDecimal.valueOf(unit))
                    .longValueExact());
        } catch (ArithmeticException e) {
            throw new IllegalArgumentException("'" + text + "' is not a whole number of bytes below 2^63 (8 EiB)", e);
        }
    }

    /** The bytes in the largest IEC unit that divides them, such as {@code 10GiB}; plain bytes if none does. */
    @Override
    public String toString() {
        long value = bytes;
        int unit = -1;
        while (value != 0 && value % 1024 == 0 && unit < IEC.length - 1) {
            value /= 1024;
            unit++;
        }
        return unit < 0 ? Long.toString(bytes) : value + IEC[unit];
    }

    private static String refusal(final String text) {
        return "'" + (text.length() <= LONGEST_SHOWN ? text : text.substring(0, LONGEST_SHOWN) + "…")
                + "' is no size: give bytes (1073741824) or a number with a unit,"
                + " B, KiB, MiB, GiB, TiB, PiB (powers of 1024) or KB, MB, GB, TB, PB (powers of 1000)";
    }
}
