package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.Volume;
import java.util.ArrayList;
import java.util.List;

/**
 * What a handshake agreed on; constant for the session.
 *
 * @param volume the export
 * @param size its bytes when the session began: growth is for new sessions
 * @param structured STRUCTURED_REPLY or EXTENDED_HEADERS
 * @param extended EXTENDED_HEADERS
 * @param baseAllocation whether base:allocation was selected
 */
record Negotiated(Volume volume, long size, boolean structured, boolean extended, boolean baseAllocation) {
    /** The 16 transmission flags (specification, "Transmission flags"). */
    int transmissionFlags() {
        final BackendCapabilities can = volume.capabilities();
        int flags = NbdProtocol.FLAG_HAS_FLAGS | NbdProtocol.FLAG_SEND_FLUSH | NbdProtocol.FLAG_SEND_CACHE;
        if (can.readOnly()) {
            flags |= NbdProtocol.FLAG_READ_ONLY;
        } else {
            flags |= NbdProtocol.FLAG_SEND_WRITE_ZEROES;
            if (can.canFastZero()) {
                flags |= NbdProtocol.FLAG_SEND_FAST_ZERO;
            }
        }
        if (can.canFua()) {
            flags |= NbdProtocol.FLAG_SEND_FUA;
        }
        if (can.canTrim()) {
            flags |= NbdProtocol.FLAG_SEND_TRIM;
        }
        if (can.canMultiConnect()) {
            flags |= NbdProtocol.FLAG_CAN_MULTI_CONN;
        }
        if (can.rotational()) {
            flags |= NbdProtocol.FLAG_ROTATIONAL;
        }
        if (structured) {
            flags |= NbdProtocol.FLAG_SEND_DF;
        }
        if (extended && baseAllocation) {
            flags |= NbdProtocol.FLAG_BLOCK_STATUS_PAYLOAD;
        }
        return flags;
    }

    /** Bytes of a request's header. */
    int requestBytes() {
        return extended ? NbdProtocol.EXTENDED_REQUEST_BYTES : NbdProtocol.REQUEST_BYTES;
    }

    /** For people. */
    List<String> features() {
        final List<String> features = new ArrayList<>();
        if (extended) {
            features.add("EXTENDED_HEADERS");
        } else if (structured) {
            features.add("STRUCTURED_REPLY");
        }
        if (baseAllocation) {
            features.add(NbdProtocol.BASE_ALLOCATION);
        }
        if (volume.readOnly()) {
            features.add("READ_ONLY");
        }
        return features;
    }
}
