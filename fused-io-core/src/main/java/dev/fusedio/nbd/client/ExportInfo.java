package dev.fusedio.nbd.client;

import dev.fusedio.nbd.wire.NbdProtocol;
import org.jspecify.annotations.Nullable;

/**
 * What a server said of its export, and the kind of headers that was agreed on.
 *
 * @param size bytes
 * @param flags the transmission flags, NBD_FLAG_*
 * @param minimumBlock bytes; offsets and lengths are multiples of it
 * @param preferredBlock bytes
 * @param maximumPayload bytes of a read or write, a multiple of {@code minimumBlock}
 * @param headers agreed on
 * @param allocationContext the id of base:allocation in replies, or {@link #NO_CONTEXT}
 */
public record ExportInfo(
        long size,
        int flags,
        int minimumBlock,
        int preferredBlock,
        int maximumPayload,
        HeaderKind headers,
        long allocationContext) {
    /** The server doesn't tell which blocks are allocated. */
    public static final long NO_CONTEXT = -1;

    /** What may be lost at a reconnect only by breaking what was promised to users of the volume. */
    private static final int PROMISED = NbdProtocol.FLAG_SEND_FLUSH
            | NbdProtocol.FLAG_SEND_FUA
            | NbdProtocol.FLAG_SEND_TRIM
            | NbdProtocol.FLAG_SEND_WRITE_ZEROES
            | NbdProtocol.FLAG_CAN_MULTI_CONN;

    /** Whether it has a transmission flag, NBD_FLAG_*. */
    public boolean has(final int flag) {
        return (flags & flag) != 0;
    }

    /** Whether the server takes no changes. */
    public boolean readOnly() {
        return has(NbdProtocol.FLAG_READ_ONLY);
    }

    /** Whether requests and replies have extended headers. */
    public boolean extended() {
        return headers == HeaderKind.EXTENDED;
    }

    boolean simple() {
        return headers == HeaderKind.SIMPLE;
    }

    /** Why a volume that began with {@code this} can't go on with {@code now}; null when it can. */
    public @Nullable String obstacle(final ExportInfo now) {
        if (now.size < size) {
            return "the export has shrunk from " + size + " to " + now.size + " bytes";
        }
        if (now.readOnly() && !readOnly()) {
            return "the export has become read-only";
        }
        final int lost = flags & ~now.flags & PROMISED;
        if (lost != 0) {
            return "the export has lost abilities that it had, transmission flags 0x" + Integer.toHexString(lost);
        }
        if (now.minimumBlock > minimumBlock) {
            return "the export's smallest block has grown from " + minimumBlock + " to " + now.minimumBlock + " bytes";
        }
        if (extended() && !now.extended()) {
            return "the server no longer has extended headers";
        }
        if (allocationContext != NO_CONTEXT && now.allocationContext == NO_CONTEXT) {
            return "the server no longer tells which blocks are allocated";
        }
        if (now.maximumPayload < maximumPayload) {
            return "the server's largest payload has shrunk from " + maximumPayload + " to " + now.maximumPayload
                    + " bytes";
        }
        return null;
    }
}
