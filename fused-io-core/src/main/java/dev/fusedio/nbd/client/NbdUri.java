package dev.fusedio.nbd.client;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Where an export is, as the NBD URI specification (doc/uri.md) writes it: {@code nbd://host[:port]/export} or
 * {@code nbd+unix:///export?socket=/path}. Names are percent-encoded UTF-8.
 *
 * @param host a name or an address, without the brackets of IPv6; null for a Unix socket
 * @param port 1 to 65535; 0 for a Unix socket
 * @param socket the Unix socket; null for TCP
 * @param export the export's name, at most 4096 bytes of UTF-8; empty for the server's default
 */
public record NbdUri(
        @Nullable String host, int port, @Nullable Path socket, String export) {
    private static final int MAX_TEXT = 16 << 10;
    private static final String SOCKET = "socket=";

    public NbdUri {
        if ((host == null) == (socket == null)) {
            throw new IllegalArgumentException("an NBD URI names either a host or a socket");
        }
        if (export.getBytes(StandardCharsets.UTF_8).length > NbdProtocol.MAX_STRING) {
            throw new IllegalArgumentException("the export's name is longer than " + NbdProtocol.MAX_STRING + " bytes");
        }
        if (export.indexOf(0) >= 0) {
            throw new IllegalArgumentException("the export's name contains a zero byte");
        }
    }

    /** An export that is reached by TCP. */
    public static NbdUri tcp(final String host, final int port, final String export) {
        return new NbdUri(host, port, null, export);
    }

    /** An export that is reached by a Unix socket. */
    public static NbdUri unix(final Path socket, final String export) {
        return new NbdUri(null, 0, socket, export);
    }

    /**
     * Reads a URI.
     *
     * @throws IllegalArgumentException saying what is wrong with it
     */
    public static NbdUri parse(final String text) {
        if (text.length() > MAX_TEXT) {
            throw new IllegalArgumentException("the URI is longer than " + MAX_TEXT + " characters");
        }
        final int colon = text.indexOf("://");
        if (colon < 0) {
            throw refused(text, "it has no scheme; write nbd://HOST[:PORT]/EXPORT or nbd+unix:///EXPORT?socket=PATH");
        }
        final String rest = text.substring(colon + 3);
        return switch (text.substring(0, colon).toLowerCase(Locale.ROOT)) {
            case "nbd" -> parseTcp(text, rest);
            case "nbd+unix" -> parseUnix(text, rest);
            case "nbds", "nbds+unix", "nbds+vsock" ->
                throw refused(text, "TLS is not possible yet; use nbd:// over a network that is trusted, or a tunnel");
            case "nbd+vsock" -> throw refused(text, "vsock is not possible; nbd:// and nbd+unix:// are");
            default -> throw refused(text, "its scheme is not one of NBD; nbd:// and nbd+unix:// are possible");
        };
    }

    private static NbdUri parseTcp(final String text, final String rest) {
        final int slash = rest.indexOf('/');
        final int question = rest.indexOf('?');
        final int end =
                slash >= 0 && (question < 0 || slash < question) ? slash : question >= 0 ? question : rest.length();
        final String authority = rest.substring(0, end);
        final String path = path(rest.substring(end));
        if (!query(rest).isEmpty()) {
            throw refused(text, "nbd:// takes no parameters, and this one has \"" + query(rest) + "\"");
        }
        if (authority.indexOf('@') >= 0) {
            throw refused(text, "a user name has no meaning without TLS");
        }
        final int portAt = authority.startsWith("[") ? authority.indexOf("]:") + 1 : authority.indexOf(':');
        final boolean hasPort = portAt > 0 || authority.startsWith(":");
        String host = hasPort ? authority.substring(0, portAt) : authority;
        if (host.startsWith("[") && host.endsWith("]")) {
            host = host.substring(1, host.length() - 1);
        } else if (host.indexOf('[') >= 0 || host.indexOf(']') >= 0) {
            throw refused(text, "the brackets of its IPv6 address don't match");
        }
        host = decode(text, host);
        if (host.isEmpty()) {
            throw refused(text, "it names no host");
        }
        final int port = hasPort ? port(text, authority.substring(portAt + 1)) : NbdProtocol.DEFAULT_PORT;
        return tcp(host, port, decode(text, path));
    }

    private static int port(final String text, final String digits) {
        if (digits.isEmpty()) {
            return NbdProtocol.DEFAULT_PORT; // RFC 3986 lets a port be empty
        }
        if (digits.length() > 5 || !digits.chars().allMatch(c -> c >= '0' && c <= '9')) {
            throw refused(text, "its port \"" + digits + "\" is not a number from 1 to 65535");
        }
        final int port = Integer.parseInt(digits);
        if (port < 1 || port > 65535) {
            throw refused(text, "its port " + port + " is not from 1 to 65535");
        }
        return port;
    }

    private static NbdUri parseUnix(final String text, final String rest) {
        if (!rest.startsWith("/") && !rest.startsWith("?")) {
            throw refused(text, "a Unix socket has no host; write nbd+unix:///EXPORT?socket=PATH");
        }
        String socket = null;
        for (final String parameter : query(rest).split("&", -1)) {
            if (parameter.startsWith(SOCKET)) {
                if (socket != null) {
                    throw refused(text, "it names two sockets");
                }
                socket = decode(text, parameter.substring(SOCKET.length()));
            } else if (!parameter.isEmpty()) {
                throw refused(text, "its parameter \"" + parameter + "\" is unknown; socket=PATH is possible");
            }
        }
        if (socket == null || socket.isEmpty()) {
            throw refused(text, "it names no socket; write nbd+unix:///EXPORT?socket=PATH");
        }
        if (socket.indexOf(0) >= 0) {
            throw refused(text, "the socket's path contains a zero byte");
        }
        return unix(Path.of(socket), decode(text, path(rest)));
    }

    /** What is between the first slash and the question mark. */
    private static String path(final String rest) {
        final int question = rest.indexOf('?');
        final String path = question < 0 ? rest : rest.substring(0, question);
        return path.startsWith("/") ? path.substring(1) : path;
    }

    private static String query(final String rest) {
        final int question = rest.indexOf('?');
        return question < 0 ? "" : rest.substring(question + 1);
    }

    /** Percent decoding; a plus sign is a plus sign (RFC 3986). */
    private static String decode(final String text, final String encoded) {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream(encoded.length());
        for (int i = 0; i < encoded.length(); ) {
            final int c = encoded.codePointAt(i);
            if (c == '#') {
                throw refused(text, "a fragment has no meaning; write %23 for the character");
            }
            if (c != '%') {
                bytes.writeBytes(Character.toString(c).getBytes(StandardCharsets.UTF_8));
                i += Character.charCount(c);
                continue;
            }
            final boolean whole = i + 2 < encoded.length();
            final int high = whole ? Character.digit(encoded.charAt(i + 1), 16) : -1;
            final int low = whole ? Character.digit(encoded.charAt(i + 2), 16) : -1;
            if (high < 0 || low < 0) {
                throw refused(text, "\"%\" is not followed by two hexadecimal digits");
            }
            bytes.write(high << 4 | low);
            i += 3;
        }
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes.toByteArray()))
                    .toString();
        } catch (final CharacterCodingException e) {
            throw refused(text, "what it encodes by percent signs is not UTF-8");
        }
    }

    private static IllegalArgumentException refused(final String text, final String why) {
        return new IllegalArgumentException("NBD URI \"" + ServerText.sanitised(text) + "\": " + why);
    }

    /** Where the server is, for messages. */
    public String address() {
        if (host == null) {
            return "unix:" + socket;
        }
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }

    /** The URI as it is written. */
    @Override
    public String toString() {
        return host == null
                ? "nbd+unix:///" + encode(export) + "?socket=" + encode(String.valueOf(socket))
                : "nbd://" + address() + "/" + encode(export);
    }

    private static String encode(final String plain) {
        final StringBuilder out = new StringBuilder();
        for (final byte each : plain.getBytes(StandardCharsets.UTF_8)) {
            final char c = (char) (each & 0xFF);
            if ((c < 0x80 && Character.isLetterOrDigit(c)) || "-._~/:".indexOf(c) >= 0) {
                out.append(c);
            } else {
                out.append('%').append(String.format(Locale.ROOT, "%02X", (int) c));
            }
        }
        return out.toString();
    }
}
