package dev.fusedio.nbd.server;

import dev.fusedio.nbd.wire.ByteQueue;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.volume.Volume;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The server's side of a fixed newstyle handshake (specification, "Fixed newstyle negotiation"): bytes in, replies out,
 * at the end what was agreed on. Knows nothing of sockets. Every length and string from the wire is judged here.
 *
 * <p>Longer than most classes: each option has its method, and all share one state.
 */
final class Handshake {
    /** What a handshake waits for. */
    enum Status {
        /** Bytes from the client. */
        READING,
        /** An answer of the export directory. */
        WAITING,
        /** Nothing: transmission begins once the replies are sent. */
        FINISHED,
        /** Nothing: the connection is to be closed once the replies are sent. */
        CLOSING
    }

    private enum Part {
        CLIENT_FLAGS,
        OPTION_HEADER,
        OPTION_DATA,
        /** Data of an option that is too long to be looked at. */
        OPTION_SKIPPED
    }

    private static final int OPTION_HEADER_BYTES = 16;
    private static final int MAX_SKIPPED = 1 << 20;
    private static final int EXPORT_NAME_PADDING = 124;

    /** While so many bytes of replies are unsent no option is taken, and a list is not gone on with. */
    private static final int MAX_UNSENT = 8 << 10;

    /** Options that a client may send for each export it was listed, as tools that describe all of them do. */
    private static final int OPTIONS_PER_EXPORT = 16;

    private final ExportDirectory directory;
    private final NbdLimits limits;
    private final String peer;
    private final Consumer<Runnable> toLoop;
    private final Runnable answered;
    private final Consumer<Volume> chosen;
    private final ByteQueue out = new ByteQueue();
    private final OptionReplies replies = new OptionReplies(out);

    private Status status = Status.READING;
    private Part part = Part.CLIENT_FLAGS;
    private final OptionInput input;
    private long skipping;
    private @Nullable Iterator<ExportDirectory.Listing> listing;
    private int listed;
    private boolean noZeroes;
    private boolean structured;
    private boolean extended;
    private boolean contextSelected;
    private String contextExport = "";
    private int options;
    private boolean stopping;
    private @Nullable Negotiated negotiated;
    private @Nullable NegotiationFailure failure = NegotiationFailure.DISCONNECTED;

    /**
     * @param memory the core's, for long options
     * @param peer who asks, for the directory
     * @param toLoop brings a task back to this connection's loop
     * @param answered is run on the loop when the status is no longer WAITING
     * @param chosen is given the export of the session to come, within the task that brought the directory's answer:
     *     from then on the volume must be in use, lest it be closed
     */
    Handshake(
            final ExportDirectory directory,
            final NbdLimits limits,
            final HandshakeMemory memory,
            final String peer,
            final Consumer<Runnable> toLoop,
            final Runnable answered,
            final Consumer<Volume> chosen) {
        this.directory = directory;
        this.limits = limits;
        this.peer = peer;
        this.toLoop = toLoop;
        this.answered = answered;
        this.chosen = chosen;
        this.input = new OptionInput(memory);
        input.expect(Integer.BYTES);
        out.putLong(NbdProtocol.NBDMAGIC)
                .putLong(NbdProtocol.IHAVEOPT)
                .putShort(NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
    }

    Status status() {
        return status;
    }

    /** What is to be sent. */
    ByteQueue out() {
        return out;
    }

    /** The agreement, when FINISHED. */
    Negotiated negotiated() {
        if (negotiated == null) {
            throw new IllegalStateException("the handshake has not finished");
        }
        return negotiated;
    }

    /** Why it came to nothing; null when the client ended it in good order. */
    @Nullable NegotiationFailure failure() {
        return failure;
    }

    /** From now on every option but ABORT is answered with ERR_SHUTDOWN. */
    void stop() {
        stopping = true;
    }

    /** Exports that the longest list so far had. */
    int listed() {
        return listed;
    }

    /** Gives back what the handshake holds of the core's memory. Nothing is fed any more. */
    void release() {
        listing = null;
        input.shrink();
    }

    /**
     * Takes bytes in, as many as it can make use of now. None while {@link #out} holds many unsent bytes.
     *
     * @return how many were taken
     */
    int feed(final long address, final int length) {
        int taken = 0;
        while (isReady() && (taken < length || isComplete())) {
            if (part == Part.OPTION_SKIPPED) {
                final int skip = (int) Math.min(skipping, length - taken);
                skipping -= skip;
                taken += skip;
                if (skipping == 0) {
                    replies.refuse(NbdProtocol.REP_ERR_TOO_BIG, "the option's data is too long");
                    expect(Part.OPTION_HEADER, OPTION_HEADER_BYTES);
                }
                continue;
            }
            final int count = input.take(address + taken, length - taken);
            if (count < 0) {
                close(NegotiationFailure.CROWDED); // the longest options suffer, not the most handshakes
                break;
            }
            taken += count;
            if (input.isComplete()) {
                act();
            }
        }
        return taken;
    }

    private boolean isReady() {
        return status == Status.READING && out.size() < MAX_UNSENT;
    }

    private boolean isComplete() {
        return part == Part.OPTION_SKIPPED ? skipping == 0 : input.isComplete();
    }

    private void expect(final Part next, final int bytes) {
        part = next;
        input.expect(bytes);
    }

    private void act() {
        final ByteBuffer data = input.data();
        switch (part) {
            case CLIENT_FLAGS -> onClientFlags(data.getInt());
            case OPTION_HEADER -> onOptionHeader(data);
            case OPTION_DATA -> {
                onOption(data);
                expect(Part.OPTION_HEADER, OPTION_HEADER_BYTES);
                input.shrink();
            }
            case OPTION_SKIPPED -> throw new IllegalStateException("skipped data is not acted on");
        }
    }

    private void onClientFlags(final int flags) {
        final int known = NbdProtocol.FLAG_C_FIXED_NEWSTYLE | NbdProtocol.FLAG_C_NO_ZEROES;
        if ((flags & ~known) != 0) {
            close(NegotiationFailure.MALFORMED); // "MUST drop the TCP connection"
            return;
        }
        noZeroes = (flags & NbdProtocol.FLAG_C_NO_ZEROES) != 0;
        expect(Part.OPTION_HEADER, OPTION_HEADER_BYTES);
    }

    private void onOptionHeader(final ByteBuffer header) {
        final long magic = header.getLong();
        final int option = header.getInt();
        replies.begin(option);
        final long length = header.getInt() & 0xFFFF_FFFFL;
        if (magic != NbdProtocol.IHAVEOPT) {
            close(NegotiationFailure.MALFORMED);
        } else if (++options > limits.options() + OPTIONS_PER_EXPORT * listed) {
            close(NegotiationFailure.LIMIT);
        } else if (length <= limits.optionBytes()) {
            expect(Part.OPTION_DATA, (int) length);
        } else if (length <= MAX_SKIPPED && option != NbdProtocol.OPT_EXPORT_NAME) {
            part = Part.OPTION_SKIPPED;
            skipping = length;
        } else {
            close(NegotiationFailure.LIMIT);
        }
    }

    private void onOption(final ByteBuffer data) {
        final int option = replies.option();
        if (stopping && option != NbdProtocol.OPT_ABORT) {
            failure = NegotiationFailure.SHUTDOWN;
            if (option == NbdProtocol.OPT_EXPORT_NAME) {
                close(NegotiationFailure.SHUTDOWN);
            } else {
                replies.refuse(NbdProtocol.REP_ERR_SHUTDOWN, "the server is shutting down");
            }
            return;
        }
        switch (option) {
            case NbdProtocol.OPT_EXPORT_NAME -> onExportName(data);
            case NbdProtocol.OPT_ABORT -> {
                replies.ack();
                close(null);
            }
            case NbdProtocol.OPT_LIST -> onList(data);
            case NbdProtocol.OPT_STARTTLS -> {
                if (data.hasRemaining()) {
                    replies.refuse(NbdProtocol.REP_ERR_INVALID, "STARTTLS has no data");
                } else {
                    replies.refuse(NbdProtocol.REP_ERR_POLICY, "TLS is not offered by this server");
                }
            }
            case NbdProtocol.OPT_INFO, NbdProtocol.OPT_GO -> onInfo(data);
            case NbdProtocol.OPT_STRUCTURED_REPLY -> onStructuredReply(data);
            case NbdProtocol.OPT_LIST_META_CONTEXT, NbdProtocol.OPT_SET_META_CONTEXT -> onMetaContext(data);
            case NbdProtocol.OPT_EXTENDED_HEADERS -> {
                if (data.hasRemaining()) {
                    replies.refuse(NbdProtocol.REP_ERR_INVALID, "EXTENDED_HEADERS has no data");
                } else {
                    structured = true;
                    extended = true;
                    replies.ack();
                }
            }
            default -> replies.refuse(NbdProtocol.REP_ERR_UNSUP, "unknown option");
        }
    }

    private void onStructuredReply(final ByteBuffer data) {
        if (data.hasRemaining()) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "STRUCTURED_REPLY has no data");
        } else if (extended) {
            replies.refuse(NbdProtocol.REP_ERR_EXT_HEADER_REQD, "extended headers are in use");
        } else {
            structured = true;
            replies.ack();
        }
    }

    private void onExportName(final ByteBuffer data) {
        final String name =
                data.remaining() > NbdProtocol.MAX_STRING ? null : OptionStrings.take(data, data.remaining());
        if (extended || name == null) {
            close(NegotiationFailure.MALFORMED); // this option has no error reply
            return;
        }
        find(name, answer -> {
            if (answer instanceof ExportDirectory.Answer.Found found) {
                agree(name, found.volume());
                out.putLong(negotiated().size()).putShort(negotiated().transmissionFlags());
                if (!noZeroes) {
                    out.putZeroes(EXPORT_NAME_PADDING);
                }
                status = Status.FINISHED;
            } else {
                close(NegotiationFailure.EXPORT_REFUSED);
            }
        });
    }

    private void onList(final ByteBuffer data) {
        if (data.hasRemaining()) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "LIST has no data");
            return;
        }
        status = Status.WAITING;
        directory.list(
                peer,
                exports -> toLoop.accept(() -> {
                    if (status == Status.WAITING) {
                        listing = exports.iterator();
                        listed = Math.max(listed, exports.size());
                        replies.begin(NbdProtocol.OPT_LIST);
                        replyServers();
                        answered.run();
                    }
                }));
    }

    /** Goes on with a list as far as there is room for replies. */
    void replyServers() {
        final Iterator<ExportDirectory.Listing> exports = listing;
        if (exports == null || status != Status.WAITING) {
            return;
        }
        while (exports.hasNext() && out.size() < MAX_UNSENT) {
            replies.server(exports.next());
        }
        if (!exports.hasNext()) {
            listing = null;
            replies.ack();
            status = Status.READING;
        }
    }

    /** INFO and GO: {@code u32 length, name, u16 count, count × u16 type}. */
    private void onInfo(final ByteBuffer data) {
        final int asked = replies.option();
        final String name = OptionStrings.counted(data);
        if (name == null || data.remaining() < 2) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "malformed export name or information requests");
            return;
        }
        final int count = data.getShort() & 0xFFFF;
        if (data.remaining() != 2 * count) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "the number of information requests doesn't match the length");
            return;
        }
        final List<Integer> wanted = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            wanted.add(data.getShort() & 0xFFFF);
        }
        find(name, answer -> {
            replies.begin(asked);
            switch (answer) {
                case ExportDirectory.Answer.Found found -> {
                    replies.info(agreement(name, found.volume()), wanted, limits.payloadAdvertised());
                    replies.ack();
                    if (asked == NbdProtocol.OPT_GO) {
                        agree(name, found.volume());
                        status = Status.FINISHED;
                    }
                }
                case ExportDirectory.Answer.Unknown _ -> replies.refuse(NbdProtocol.REP_ERR_UNKNOWN, "no such export");
                case ExportDirectory.Answer.Refused refused ->
                    replies.refuse(NbdProtocol.REP_ERR_POLICY, refused.reason());
            }
        });
    }

    /** LIST and SET_META_CONTEXT: {@code u32 length, name, u32 count, count × {u32 length, query}}. */
    private void onMetaContext(final ByteBuffer data) {
        final int asked = replies.option();
        final boolean set = asked == NbdProtocol.OPT_SET_META_CONTEXT;
        if (set) {
            contextSelected = false; // each call replaces the former selection, a failed one as well
        }
        if (!structured) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "structured replies are to be negotiated first");
            return;
        }
        final String name = OptionStrings.counted(data);
        if (name == null || data.remaining() < 4) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "malformed export name or queries");
            return;
        }
        final long count = data.getInt() & 0xFFFF_FFFFL;
        boolean matches = !set && count == 0;
        for (long i = 0; i < count; i++) {
            final String query = OptionStrings.counted(data);
            if (query == null) {
                replies.refuse(NbdProtocol.REP_ERR_INVALID, "malformed query");
                return;
            }
            matches |= query.equals(NbdProtocol.BASE_ALLOCATION) || (!set && query.equals("base:"));
        }
        if (data.hasRemaining()) {
            replies.refuse(NbdProtocol.REP_ERR_INVALID, "data after the last query");
            return;
        }
        final boolean offered = matches;
        find(name, answer -> {
            replies.begin(asked);
            switch (answer) {
                case ExportDirectory.Answer.Found _ -> {
                    if (offered) {
                        replies.metaContext(set ? NbdProtocol.BASE_ALLOCATION_ID : 0, NbdProtocol.BASE_ALLOCATION);
                    }
                    replies.ack();
                    if (set) {
                        contextSelected = offered;
                        contextExport = name;
                    }
                }
                case ExportDirectory.Answer.Unknown _ -> replies.refuse(NbdProtocol.REP_ERR_UNKNOWN, "no such export");
                case ExportDirectory.Answer.Refused refused ->
                    replies.refuse(NbdProtocol.REP_ERR_POLICY, refused.reason());
            }
        });
    }

    private void find(final String name, final Consumer<ExportDirectory.Answer> then) {
        status = Status.WAITING;
        directory.find(
                name,
                peer,
                answer -> toLoop.accept(() -> {
                    if (status == Status.WAITING) { // or the connection has gone meanwhile
                        status = Status.READING;
                        then.accept(answer);
                        answered.run();
                    }
                }));
    }

    private Negotiated agreement(final String name, final Volume volume) {
        // "the export name MUST match" for a selected context to hold
        return new Negotiated(
                volume, volume.size(), structured, extended, contextSelected && contextExport.equals(name));
    }

    private void agree(final String name, final Volume volume) {
        negotiated = agreement(name, volume);
        chosen.accept(volume);
    }

    private void close(final @Nullable NegotiationFailure why) {
        failure = why;
        status = Status.CLOSING;
    }
}
