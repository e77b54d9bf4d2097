package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.ByteQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.volume.BackendCapabilities;
import dev.fusedio.volume.Volume;
import java.util.List;

/** Writes replies to options, each of which names the option that it is for. */
final class OptionReplies {
    private final ByteQueue out;
    private int option;

    OptionReplies(final ByteQueue out) {
        this.out = out;
    }

    /** Replies are for this option from now on. */
    void begin(final int which) {
        option = which;
    }

    /** The option that replies are for. */
    int option() {
        return option;
    }

    void ack() {
        reply(NbdProtocol.REP_ACK, 0);
    }

    void refuse(final int error, final String text) {
        final byte[] message = OptionStrings.utf8(text);
        reply(error, message.length);
        out.putBytes(message);
    }

    /** One export of a list. */
    void server(final ExportDirectory.Listing listing) {
        final byte[] name = OptionStrings.utf8(listing.name());
        final byte[] description = OptionStrings.utf8(listing.description());
        reply(NbdProtocol.REP_SERVER, 4 + name.length + description.length);
        out.putInt(name.length).putBytes(name).putBytes(description);
    }

    /**
     * What INFO and GO tell of an export.
     *
     * @param preview what would be agreed on now
     * @param wanted the client's information requests
     * @param maximumPayload bytes of a request's payload at most
     */
    void info(final Negotiated preview, final List<Integer> wanted, final int maximumPayload) {
        final Volume volume = preview.volume();
        reply(NbdProtocol.REP_INFO, 12);
        out.putShort(NbdProtocol.INFO_EXPORT).putLong(preview.size()).putShort(preview.transmissionFlags());
        if (wanted.contains(NbdProtocol.INFO_NAME)) {
            final byte[] canonical = OptionStrings.utf8(volume.name());
            reply(NbdProtocol.REP_INFO, 2 + canonical.length);
            out.putShort(NbdProtocol.INFO_NAME).putBytes(canonical);
        }
        if (wanted.contains(NbdProtocol.INFO_DESCRIPTION)
                && !volume.description().isEmpty()) {
            final byte[] description = OptionStrings.utf8(volume.description());
            reply(NbdProtocol.REP_INFO, 2 + description.length);
            out.putShort(NbdProtocol.INFO_DESCRIPTION).putBytes(description);
        }
        if (wanted.contains(NbdProtocol.INFO_BLOCK_SIZE)) {
            final BackendCapabilities can = volume.capabilities();
            reply(NbdProtocol.REP_INFO, 14);
            out.putShort(NbdProtocol.INFO_BLOCK_SIZE)
                    .putInt(can.minimumBlock())
                    .putInt(can.preferredBlock())
                    .putInt(maximumPayload);
        }
    }

    void metaContext(final int id, final String name) {
        final byte[] context = OptionStrings.utf8(name);
        reply(NbdProtocol.REP_META_CONTEXT, 4 + context.length);
        out.putInt(id).putBytes(context);
    }

    private void reply(final int type, final int length) {
        out.putLong(NbdProtocol.REP_MAGIC).putInt(option).putInt(type).putInt(length);
    }
}
