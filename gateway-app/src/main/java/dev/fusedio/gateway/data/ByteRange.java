package dev.fusedio.gateway.data;

import java.math.BigInteger;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A range of a volume's bytes, whole within the volume.
 *
 * @param first its first byte
 * @param length how many, 1 or more
 */
record ByteRange(long first, long length) {
    private static final Pattern ONE = Pattern.compile("\\s*(\\d*)\\s*-\\s*(\\d*)\\s*");
    private static final Pattern CONTENT = Pattern.compile("bytes\\s+(\\d{1,40})-(\\d{1,40})/(\\*|\\d{1,40})");
    private static final String UNIT = "bytes=";
    private static final int MAX_HEADER = 1024;

    /** The whole volume. */
    static ByteRange all(final long size) {
        return new ByteRange(0, size);
    }

    /** The position behind the last byte. */
    long end() {
        return first + length;
    }

    /** As {@code Content-Range} says it. */
    String contentRange(final long size) {
        return "bytes " + first + "-" + (end() - 1) + "/" + size;
    }

    /**
     * Reads a {@code Range} header (RFC 9110, 14.2).
     *
     * @return the range; nothing where the header is to be ignored: another unit, or several ranges at once
     * @throws UnsatisfiableRangeException if no byte of the volume is in it, or it makes no sense
     */
    static Optional<ByteRange> parse(final String header, final long size) throws UnsatisfiableRangeException {
        final String text = header.strip();
        if (!text.toLowerCase(Locale.ROOT).startsWith(UNIT) || text.indexOf(',') >= 0) {
            return Optional.empty();
        }
        final Matcher matcher = ONE.matcher(text.substring(UNIT.length()));
        if (text.length() > MAX_HEADER || !matcher.matches()) {
            throw new UnsatisfiableRangeException("The range '" + abbreviated(text) + "' makes no sense.");
        }
        final String from = matcher.group(1);
        final String to = matcher.group(2);
        if (from.isEmpty()) {
            final long wanted = to.isEmpty() ? 0 : clipped(to);
            if (wanted == 0) {
                throw new UnsatisfiableRangeException("The range '" + text + "' has no bytes.");
            }
            final long length = Math.min(wanted, size);
            return Optional.of(new ByteRange(size - length, length));
        }
        final long first = clipped(from);
        final long last = to.isEmpty() ? size - 1 : Math.min(clipped(to), size - 1);
        if (first >= size || (!to.isEmpty() && clipped(to) < first)) {
            throw new UnsatisfiableRangeException(
                    "The range '" + text + "' is not within the volume's " + size + " bytes.");
        }
        return Optional.of(new ByteRange(first, last - first + 1));
    }

    /**
     * Reads a {@code Content-Range} header of a request: {@code bytes 0-511/*} or with the volume's size after the
     * slash.
     *
     * @throws IllegalArgumentException if it is none
     * @throws UnsatisfiableRangeException if it does not lie within the volume
     */
    static ByteRange parseContentRange(final String header, final long size) throws UnsatisfiableRangeException {
        final Matcher matcher = CONTENT.matcher(header.strip());
        if (!matcher.matches()) {
            throw new IllegalArgumentException(
                    "must be 'bytes FIRST-LAST/*' or 'bytes FIRST-LAST/SIZE', such as 'bytes 0-4095/*'");
        }
        final long first = clipped(matcher.group(1));
        final long last = clipped(matcher.group(2));
        if (last < first) {
            throw new IllegalArgumentException("the last byte comes before the first");
        }
        final String complete = matcher.group(3);
        if (last >= size || (!complete.equals("*") && clipped(complete) != size)) {
            throw new UnsatisfiableRangeException(
                    "The range '" + abbreviated(header) + "' does not fit the volume's " + size + " bytes.");
        }
        return new ByteRange(first, last - first + 1);
    }

    private static long clipped(final String digits) {
        final BigInteger value = new BigInteger(digits);
        return value.bitLength() < Long.SIZE ? value.longValue() : Long.MAX_VALUE;
    }

    private static String abbreviated(final String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }
}
