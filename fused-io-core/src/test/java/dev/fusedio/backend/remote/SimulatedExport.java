package dev.fusedio.backend.remote;

import dev.fusedio.nbd.client.ExportInfo;
import dev.fusedio.nbd.client.HeaderKind;
import dev.fusedio.nbd.client.ScriptedServer;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.ring.SimulatedSocket;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** A small server behind simulated sockets: it answers in any order, in any pieces, and leaves when it likes. */
final class SimulatedExport {
    private final SplittableRandom random;
    private final ExportInfo info;
    private final byte[] disk;
    private final List<Session> sessions = new ArrayList<>();
    private final int leavesPerMille;
    private boolean neverLeaves;
    private long served;

    SimulatedExport(final SplittableRandom random, final ExportInfo info, final int leavesPerMille) {
        this.random = random;
        this.info = info;
        this.disk = new byte[(int) info.size()];
        this.leavesPerMille = leavesPerMille;
    }

    byte[] disk() {
        return disk;
    }

    long served() {
        return served;
    }

    void accept(final SimulatedSocket socket) {
        sessions.forEach(Session::settle);
        sessions.add(new Session(socket));
    }

    /** From now on it stays. */
    void stay() {
        neverLeaves = true;
    }

    void step() {
        for (final Session session : List.copyOf(sessions)) {
            session.step();
        }
        sessions.removeIf(session -> session.over);
    }

    @SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
    private record Request(int flags, int type, long cookie, long offset, long length, byte[] payload) {}

    private final class Session {
        private final SimulatedSocket socket;
        private final List<Request> waiting = new ArrayList<>();
        private byte[] incoming = new byte[0];
        private boolean over;

        Session(final SimulatedSocket socket) {
            this.socket = socket;
        }

        void step() {
            if (over) {
                return;
            }
            final boolean ended = socket.atEnd() || socket.isReset();
            receive();
            if (ended) {
                settle();
                return;
            }
            if (!waiting.isEmpty() && random.nextInt(3) > 0) {
                answer(waiting.remove(random.nextInt(waiting.size())));
            }
            if (!over && !neverLeaves && leavesPerMille > 0 && random.nextInt(1000) < leavesPerMille) {
                leave();
            }
        }

        private void leave() {
            over = true;
            if (random.nextBoolean()) {
                socket.reset();
            } else {
                receive();
                settle();
                if (random.nextBoolean()) {
                    socket.write(Arrays.copyOf(new byte[] {0x66, (byte) 0x8e}, 1 + random.nextInt(2))); // a part
                }
                socket.close();
            }
        }

        /** The client has left: what it had asked for is done, or not, but nothing is after this. */
        void settle() {
            if (!over) {
                over = true;
                socket.closeWrite();
            }
            while (!waiting.isEmpty()) {
                final Request request = waiting.remove(random.nextInt(waiting.size()));
                if (random.nextBoolean()) {
                    execute(request);
                }
            }
        }

        private void receive() {
            final byte[] more = socket.read();
            incoming = ScriptedServer.Peer.join(incoming, more);
            final int header = info.extended() ? 32 : 28;
            while (incoming.length >= header) {
                final ByteBuffer in = ByteBuffer.wrap(incoming);
                final int magic = in.getInt();
                if (magic != (info.extended() ? NbdProtocol.EXTENDED_REQUEST_MAGIC : NbdProtocol.REQUEST_MAGIC)) {
                    throw new AssertionError("a request's magic number is " + Integer.toHexString(magic));
                }
                final int flags = in.getShort();
                final int type = in.getShort();
                final long cookie = in.getLong();
                final long offset = in.getLong();
                final long length = info.extended() ? in.getLong() : in.getInt() & 0xFFFF_FFFFL;
                final int payload = type == NbdProtocol.CMD_WRITE ? (int) length : 0;
                if (incoming.length < header + payload) {
                    return;
                }
                if (type != NbdProtocol.CMD_DISC) {
                    check(type, offset, length);
                    final Request request = new Request(
                            flags,
                            type,
                            cookie,
                            offset,
                            length,
                            Arrays.copyOfRange(incoming, header, header + payload));
                    for (final Request other : waiting) {
                        if (changes(other) && changes(request) && overlap(other, request)) {
                            throw new AssertionError("two changes of the same bytes are under way");
                        }
                    }
                    waiting.add(request);
                }
                incoming = Arrays.copyOfRange(incoming, header + payload, incoming.length);
            }
        }

        private void check(final int type, final long offset, final long length) {
            if (type != NbdProtocol.CMD_FLUSH && (length <= 0 || offset < 0 || offset + length > info.size())) {
                throw new AssertionError("command " + type + " for " + offset + " + " + length);
            }
            if ((type == NbdProtocol.CMD_READ || type == NbdProtocol.CMD_WRITE) && length > info.maximumPayload()) {
                throw new AssertionError("a payload of " + length);
            }
        }

        private boolean changes(final Request request) {
            return request.type == NbdProtocol.CMD_WRITE
                    || request.type == NbdProtocol.CMD_TRIM
                    || request.type == NbdProtocol.CMD_WRITE_ZEROES;
        }

        private boolean overlap(final Request a, final Request b) {
            return a.offset < b.offset + b.length && b.offset < a.offset + a.length;
        }

        private void execute(final Request request) {
            final int at = (int) request.offset;
            final int end = (int) (request.offset + request.length);
            switch (request.type) {
                case NbdProtocol.CMD_WRITE -> System.arraycopy(request.payload, 0, disk, at, end - at);
                case NbdProtocol.CMD_TRIM, NbdProtocol.CMD_WRITE_ZEROES -> Arrays.fill(disk, at, end, (byte) 0);
                default -> {}
            }
        }

        private void answer(final Request request) {
            served++;
            execute(request);
            if (info.headers() == HeaderKind.SIMPLE) {
                final byte[] payload = request.type == NbdProtocol.CMD_READ ? content(request) : new byte[0];
                simple(request, payload);
            } else if (request.type == NbdProtocol.CMD_READ) {
                read(request);
            } else if (request.type == NbdProtocol.CMD_BLOCK_STATUS) {
                status(request);
            } else if (info.extended() || random.nextBoolean()) {
                chunk(1, NbdProtocol.REPLY_TYPE_NONE, request, new byte[0]);
            } else {
                simple(request, new byte[0]);
            }
        }

        private byte[] content(final Request request) {
            return Arrays.copyOfRange(disk, (int) request.offset, (int) (request.offset + request.length));
        }

        private void simple(final Request request, final byte[] payload) {
            socket.write(ScriptedServer.Peer.join(
                    ScriptedServer.Peer.ints(NbdProtocol.SIMPLE_REPLY_MAGIC, 0),
                    ScriptedServer.Peer.longs(request.cookie),
                    payload));
        }

        /** In up to twelve pieces, in any order, those of zeroes perhaps as holes. */
        private void read(final Request request) {
            final byte[] content = content(request);
            final boolean whole = (request.flags & NbdProtocol.CMD_FLAG_DF) != 0;
            final int parts = whole ? 1 : 1 + random.nextInt(Math.min(12, content.length));
            final List<int[]> pieces = new ArrayList<>();
            int at = 0;
            for (int i = 0; i < parts; i++) {
                final int end = i == parts - 1
                        ? content.length
                        : at + Math.max(1, random.nextInt(Math.max(1, (content.length - at) / 2)));
                if (end > at) {
                    pieces.add(new int[] {at, Math.min(end, content.length)});
                }
                at = Math.min(end, content.length);
            }
            boolean first = true;
            final boolean doneLast = random.nextBoolean();
            while (!pieces.isEmpty()) {
                final int[] piece = pieces.remove(first && random.nextBoolean() ? 0 : random.nextInt(pieces.size()));
                first = false;
                final int flags = pieces.isEmpty() && !doneLast ? 1 : 0;
                final byte[] bytes = Arrays.copyOfRange(content, piece[0], piece[1]);
                final long offset = request.offset + piece[0];
                boolean zero = true;
                for (final byte each : bytes) {
                    zero &= each == 0;
                }
                if (zero && random.nextBoolean()) {
                    chunk(
                            flags,
                            NbdProtocol.REPLY_TYPE_OFFSET_HOLE,
                            request,
                            ScriptedServer.Peer.join(
                                    ScriptedServer.Peer.longs(offset), ScriptedServer.Peer.ints(bytes.length)));
                } else {
                    chunk(
                            flags,
                            NbdProtocol.REPLY_TYPE_OFFSET_DATA,
                            request,
                            ScriptedServer.Peer.join(ScriptedServer.Peer.longs(offset), bytes));
                }
            }
            if (doneLast) {
                chunk(1, NbdProtocol.REPLY_TYPE_NONE, request, new byte[0]);
            }
        }

        private void status(final Request request) {
            final long part = 1 + random.nextLong(request.length); // short answers are legal
            final int id = (int) info.allocationContext();
            chunk(
                    1,
                    info.extended() ? NbdProtocol.REPLY_TYPE_BLOCK_STATUS_EXT : NbdProtocol.REPLY_TYPE_BLOCK_STATUS,
                    request,
                    info.extended()
                            ? ScriptedServer.Peer.join(
                                    ScriptedServer.Peer.ints(id, 1), ScriptedServer.Peer.longs(part, 0))
                            : ScriptedServer.Peer.ints(id, (int) part, 0));
        }

        private void chunk(final int flags, final int type, final Request request, final byte[] payload) {
            final ByteBuffer all = ByteBuffer.allocate(info.extended() ? 32 : 20);
            all.putInt(info.extended() ? NbdProtocol.EXTENDED_REPLY_MAGIC : NbdProtocol.STRUCTURED_REPLY_MAGIC);
            all.putShort((short) flags).putShort((short) type).putLong(request.cookie);
            if (info.extended()) {
                all.putLong(request.type == NbdProtocol.CMD_FLUSH ? 0 : request.offset)
                        .putLong(payload.length);
            } else {
                all.putInt(payload.length);
            }
            socket.write(ScriptedServer.Peer.join(all.array(), payload));
        }
    }
}
