package dev.fusedio.ublk;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
import dev.fusedio.fused.RingSocket;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.Sqe;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;

/**
 * Does with a block request's buffer what the contract forbids, and prints what answers: the fused command, before
 * anything is issued, and the kernel, when it is asked all the same. The loop's thread only.
 */
final class ContractProbes implements Completable {
    private static final int BYTES = ContractBackend.PROBED;
    private static final int SECTOR = 512;

    private static final byte UNTOUCHED = 0x5A;

    /** A place of the ring's table at which no tag registers. */
    private static final int OTHER_PLACE = 99;

    private final CoreLoop loop;
    private final int slot;
    private final RingFile scratch;
    private final RingSocket socket;
    private final long memory = Arena.global().allocate(2L * BYTES, 4096).address();
    private final ArrayDeque<Probe> waiting = new ArrayDeque<>();
    private String context = "";
    private Runnable afterwards = () -> {};
    private int characterDevice = -1;
    private FusedCommand used;
    private int usedPlace;

    /** An operation that goes to the ring as it is. */
    @FunctionalInterface
    private interface Entry {
        void fill(long sqe, long userData);
    }

    private record Probe(String name, Entry entry) {}

    /**
     * @param scratch an open file of at least two buffers' length
     * @param socket one end of a connection that has something to receive
     */
    ContractProbes(final CoreLoop loop, final int scratch, final RingSocket socket) {
        this.loop = loop;
        this.socket = socket;
        this.slot = loop.register(this);
        this.scratch = new RingFile(scratch, 0);
        Memory.fill(memory, 2L * BYTES, UNTOUCHED);
    }

    /** Where the device's data is read and written by position. Before the first probe. */
    void setCharacterDevice(final int fd) {
        characterDevice = fd;
    }

    void onRead(final FusedCommand command, final Runnable then) {
        begin("READ", command, then);
        refusals(command, Direction.SRC);
        say("write from it", command.write(scratch, 0, 0, BYTES, 0));
        say("send from it", command.send(socket, 0, BYTES, false));
        if (lends(command)) {
            add("WRITE_FIXED from it", fixed(IoUring.OP_WRITE_FIXED, 0, BYTES));
            add("fixed, sent from it", sent(true));
            bounds(IoUring.OP_READ_FIXED);
        }
        copies(true);
        next();
    }

    void onWrite(final FusedCommand command, final Runnable then) {
        begin("WRITE", command, then);
        refusals(command, Direction.DEST);
        say("read into it", command.read(scratch, 0, 0, BYTES));
        say("receive into it", command.receive(socket, 0, BYTES, false));
        if (lends(command)) {
            add("READ_FIXED into it", fixed(IoUring.OP_READ_FIXED, 0, BYTES));
            add("fixed, received into it", sent(false));
            bounds(IoUring.OP_WRITE_FIXED);
        }
        copies(false);
        next();
    }

    /** Has no data to lend. */
    void onFlush(final FusedCommand command, final Runnable then) {
        begin("FLUSH", command, then);
        say("borrow to read", command.borrow(Direction.SRC, 0, 0));
        say("borrow to write", command.borrow(Direction.DEST, 0, 0));
        say("read into it", command.read(scratch, 0, 0, SECTOR));
        say("write from it", command.write(scratch, 0, 0, SECTOR, 0));
        afterOrWithout();
    }

    /** The last request was answered, and no other has come. */
    void afterCompletion(final Runnable then) {
        context = "DONE";
        afterwards = then;
        say("borrow to read", used.borrow(Direction.SRC, 0, 0));
        say("borrow to write", used.borrow(Direction.DEST, 0, 0));
        say("read into it", used.read(scratch, 0, 0, SECTOR));
        say("write from it", used.write(scratch, 0, 0, SECTOR, 0));
        say("hold it", used.hold());
        afterOrWithout();
    }

    private void begin(final String request, final FusedCommand command, final Runnable then) {
        context = request;
        afterwards = then;
        used = command;
    }

    /** Whether the buffer is in the ring's table; its place is remembered. */
    private boolean lends(final FusedCommand command) {
        if (command.inMemory()) {
            return false;
        }
        final Direction way = context.equals("READ") ? Direction.DEST : Direction.SRC;
        say("borrow all of it", command.borrow(way, 0, BYTES));
        usedPlace = command.kernelBuffer();
        command.giveBackNow(0);
        return true;
    }

    private void refusals(final FusedCommand command, final Direction wrong) {
        final Direction right = wrong == Direction.SRC ? Direction.DEST : Direction.SRC;
        say("wrong direction", command.borrow(wrong, 0, BYTES));
        say("beyond by length", command.borrow(right, 0, BYTES + 1L));
        say("beyond by offset", command.borrow(right, BYTES + 1L, 0));
        say("beyond by both", command.borrow(right, BYTES, 1));
        say("an offset below zero", command.borrow(right, -1, 1));
        say("a length that overflows", command.borrow(right, 1, Long.MAX_VALUE));
        say("nothing at its end", command.borrow(right, BYTES, 0));
        command.giveBackNow(0);
    }

    private void bounds(final int opcode) {
        add("fixed, all of it", fixed(opcode, 0, BYTES));
        add("fixed, its last sector", fixed(opcode, BYTES - SECTOR, SECTOR));
        add("fixed, beyond by length", fixed(opcode, 0, BYTES + SECTOR));
        add("fixed, beyond by offset", fixed(opcode, BYTES, SECTOR));
        add("fixed, beyond by both", fixed(opcode, BYTES - SECTOR, 2 * SECTOR));
    }

    private void copies(final boolean isRead) {
        copy("pread", IoUring.OP_READ, 0, BYTES);
        copy("pwrite", IoUring.OP_WRITE, 0, BYTES);
        final String name = isRead ? "pwrite" : "pread";
        final int opcode = isRead ? IoUring.OP_WRITE : IoUring.OP_READ;
        copy(name + " beyond by length", opcode, 0, BYTES + SECTOR);
        copy(name + " at its end", opcode, BYTES, SECTOR);
        copy(name + " beyond its end", opcode, BYTES + SECTOR, SECTOR);
    }

    private void afterOrWithout() {
        if (usedPlace > 0) {
            add("READ_FIXED", fixed(IoUring.OP_READ_FIXED, 0, SECTOR));
            add("WRITE_FIXED", fixed(IoUring.OP_WRITE_FIXED, 0, SECTOR));
            add("REGISTER_IO_BUF", command(UblkAbi.U_IO_REGISTER_IO_BUF, 0));
        }
        copy("pread", IoUring.OP_READ, 0, SECTOR);
        copy("pwrite", IoUring.OP_WRITE, 0, SECTOR);
        add("pread of no tag", copied(IoUring.OP_READ, UblkAbi.userCopyPosition(0, 1, 0), SECTOR));
        next();
    }

    // --- raw operations ----------------------------------------------------------------------------------------------

    private Entry fixed(final int opcode, final int offset, final int bytes) {
        return (sqe, userData) ->
                Sqe.prepare(sqe, opcode, 0, 0, scratch.fd(), 0, offset, bytes, 0, usedPlace, userData);
    }

    /** As {@link SocketMechanism} has it on this kernel. */
    private Entry sent(final boolean send) {
        final boolean itself = socket.mechanism() == SocketMechanism.SEND_RECV_FIXED;
        final int fixedOpcode = send ? IoUring.OP_WRITE_FIXED : IoUring.OP_READ_FIXED;
        final int opcode = send ? IoUring.OP_SEND : IoUring.OP_RECV;
        return (sqe, userData) -> Sqe.prepare(
                sqe,
                itself ? opcode : fixedOpcode,
                0,
                itself ? IoUring.RECVSEND_FIXED_BUF : 0,
                socket.file().fd(),
                0,
                0,
                BYTES,
                0,
                usedPlace,
                userData);
    }

    private Entry command(final int code, final int tag) {
        return (sqe, userData) ->
                Sqe.uringCmd(sqe, characterDevice, 0, code, 0, UblkAbi.ioCommand(0, tag, 0), OTHER_PLACE, userData);
    }

    private void copy(final String name, final int opcode, final int offset, final int bytes) {
        add(name, copied(opcode, UblkAbi.userCopyPosition(0, 0, offset), bytes));
    }

    private Entry copied(final int opcode, final long position, final int bytes) {
        return (sqe, userData) -> {
            Memory.fill(memory, 2L * BYTES, UNTOUCHED);
            Sqe.prepare(sqe, opcode, 0, 0, characterDevice, position, memory, bytes, 0, 0, userData);
        };
    }

    /** Whether nothing was put behind as many bytes as the request has. */
    private boolean isUntouchedBeyond() {
        for (int i = BYTES; i < 2 * BYTES; i++) {
            if (Memory.getByte(memory + i) != UNTOUCHED) {
                return false;
            }
        }
        return true;
    }

    private void add(final String name, final Entry entry) {
        waiting.add(new Probe(name, entry));
    }

    private void next() {
        final Probe probe = waiting.peek();
        if (probe == null) {
            afterwards.run();
        } else {
            probe.entry().fill(loop.driver().sqe(), loop.userData(slot, 0));
        }
    }

    @Override
    public void onCompletion(final int tag, final int result, final int flags) {
        say("kernel", waiting.remove().name(), result);
        if (!isUntouchedBeyond()) {
            System.out.println("defect: bytes beyond the request were copied");
        }
        next();
    }

    private void say(final String what, final int result) {
        say("process", what, result);
    }

    private void say(final String who, final String what, final int result) {
        final String answer = result < 0 ? Errno.name(result) : Integer.toString(result);
        System.out.println(context + ", " + who + ", " + what + ": " + answer);
    }

    @Override
    public void onFailure(final RuntimeException e) {
        throw e;
    }
}
