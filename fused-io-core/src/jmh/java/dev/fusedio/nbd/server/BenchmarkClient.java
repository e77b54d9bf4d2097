package dev.fusedio.nbd.server;

import dev.fusedio.loop.BenchmarkLoop;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * A client in the loop's own thread, at the other end of a socket pair: it writes, has the loop run until all is
 * answered, and allocates nothing. Replies are counted and their errors looked at; their payload is not.
 */
final class BenchmarkClient implements AutoCloseable {
    private static final int AF_UNIX = 1;
    private static final int SOCK_STREAM = 1;
    private static final int SOCK_CLOEXEC = 0x80000;
    private static final int FIONBIO = 0x5421;
    private static final int OPTION_REPLY_BYTES = 20;
    private static final int GREETING_BYTES = 18;

    private final BenchmarkLoop core;
    private final Libc libc;
    private final int client;
    private final int server;
    private final long buffer;
    private final int bufferBytes;

    /** @param longest bytes of the longest exchange, either way */
    BenchmarkClient(final BenchmarkLoop core, final int longest) throws IOException {
        this.core = core;
        this.libc = core.libc();
        this.bufferBytes = Math.max(longest, 4096);
        this.buffer = core.arena().allocate(bufferBytes, Long.BYTES).address();
        if (socketPair(buffer) < 0) {
            throw new IOException("socketpair failed");
        }
        client = Memory.getInt(buffer);
        server = Memory.getInt(buffer + Integer.BYTES);
        Memory.putInt(buffer, 1);
        libc.files().ioctl(client, FIONBIO, buffer); // the client must not sleep: the loop has to run
    }

    private static int socketPair(final long descriptors) {
        final Linker linker = Linker.nativeLinker();
        final MethodHandle socketpair = linker.downcallHandle(
                linker.defaultLookup().findOrThrow("socketpair"),
                FunctionDescriptor.of(
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG));
        try {
            return (int) socketpair.invokeExact(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, descriptors);
        } catch (final Throwable t) {
            throw new AssertionError("socketpair threw", t);
        }
    }

    /** The end that is the server's, which closes it. */
    int serverDescriptor() {
        return server;
    }

    /** Fixed newstyle, GO of the export with the empty name, simple replies. */
    void handshake() {
        receive(GREETING_BYTES);
        final long out = buffer;
        Memory.putIntBe(out, NbdProtocol.FLAG_FIXED_NEWSTYLE | NbdProtocol.FLAG_NO_ZEROES);
        Memory.putLongBe(out + 4, NbdProtocol.IHAVEOPT);
        Memory.putIntBe(out + 12, NbdProtocol.OPT_GO);
        Memory.putIntBe(out + 16, 6);
        Memory.putIntBe(out + 20, 0);
        Memory.putShortBe(out + 24, (short) 0);
        send(out, 26);
        int type;
        do {
            receive(OPTION_REPLY_BYTES);
            type = Memory.getIntBe(buffer + 12);
            receive(Memory.getIntBe(buffer + 16));
        } while (type == NbdProtocol.REP_INFO);
        if (type != NbdProtocol.REP_ACK) {
            throw new IllegalStateException("the server refused its export: " + type);
        }
    }

    /** Writes one request's header. */
    static void encode(final long at, final int command, final long cookie, final long offset, final int length) {
        Memory.putIntBe(at, NbdProtocol.REQUEST_MAGIC);
        Memory.putShortBe(at + 4, (short) 0);
        Memory.putShortBe(at + 6, (short) command);
        Memory.putLongBe(at + 8, cookie);
        Memory.putLongBe(at + 16, offset);
        Memory.putIntBe(at + 24, length);
    }

    /** Sends requests and runs the loop until {@code replyBytes} have come, the first of which must be a good reply's. */
    void exchange(final long requests, final int requestBytes, final int replyBytes) {
        send(requests, requestBytes);
        receive(replyBytes);
        if (Memory.getIntBe(buffer) != NbdProtocol.SIMPLE_REPLY_MAGIC || Memory.getIntBe(buffer + 4) != 0) {
            throw new IllegalStateException("the first reply is an error: " + Memory.getIntBe(buffer + 4));
        }
    }

    private void send(final long from, final int bytes) {
        int done = 0;
        while (done < bytes) {
            final long sent = libc.files().write(client, from + done, bytes - done);
            if (sent > 0) {
                done += (int) sent;
            } else {
                requireBusy(sent);
                core.loop().runOnce(false);
            }
        }
    }

    private void receive(final int bytes) {
        if (bytes > bufferBytes) {
            throw new IllegalStateException("an answer of " + bytes + " bytes");
        }
        int done = 0;
        while (done < bytes) {
            core.loop().runOnce(false);
            final long got = libc.files().read(client, buffer + done, bytes - done);
            if (got > 0) {
                done += (int) got;
            } else {
                requireBusy(got);
            }
        }
    }

    private static void requireBusy(final long result) {
        if (result != -Errno.EAGAIN) {
            throw new IllegalStateException(
                    result == 0
                            ? "the server closed the connection"
                            : "the client's socket: " + Errno.name((int) result));
        }
    }

    @Override
    public void close() {
        libc.files().close(client);
        for (int i = 0; i < 100; i++) { // the server takes note and closes its end
            core.loop().runOnce(false);
        }
    }
}
