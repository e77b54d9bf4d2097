package dev.fusedio.ring;

import dev.fusedio.sys.Memory;

/**
 * Writes submission queue entries. Each method fills all 64 bytes of the entry at {@code sqe}, an address that
 * {@link RingDriver#sqe()} gave, so that nothing of an earlier use remains.
 */
public final class Sqe {
    /** {@code MSG_NOSIGNAL | MSG_WAITALL}: no SIGPIPE, and a short send is continued by the kernel. */
    public static final int MSG_NOSIGNAL = 0x4000;

    public static final int MSG_WAITALL = 0x100;

    private Sqe() {}

    /** The general form. {@code flags} are IOSQE_*, {@code opFlags} those of the operation. */
    public static void prepare(
            final long sqe,
            final int opcode,
            final int flags,
            final int ioprio,
            final int fd,
            final long off,
            final long addr,
            final int len,
            final int opFlags,
            final int bufIndex,
            final long userData) {
        Memory.putLong(sqe, opcode | (long) flags << 8 | (long) ioprio << 16 | (long) fd << 32);
        Memory.putLong(sqe + IoUring.SQE_OFF, off);
        Memory.putLong(sqe + IoUring.SQE_ADDR, addr);
        Memory.putLong(sqe + IoUring.SQE_LEN, (len & 0xFFFF_FFFFL) | (long) opFlags << 32);
        Memory.putLong(sqe + IoUring.SQE_USER_DATA, userData);
        Memory.putLong(sqe + IoUring.SQE_BUF_INDEX, bufIndex & 0xFFFFL);
        Memory.putLong(sqe + IoUring.SQE_ADDR3, 0);
        Memory.putLong(sqe + IoUring.SQE_ADDR3 + 8, 0);
    }

    /** recv(2) into memory of the caller. */
    public static void recv(
            final long sqe,
            final int fd,
            final int fileFlag,
            final long address,
            final int length,
            final int msgFlags,
            final long userData) {
        prepare(sqe, IoUring.OP_RECV, fileFlag, 0, fd, 0, address, length, msgFlags, 0, userData);
    }

    /**
     * recv(2) into a buffer that the kernel takes from {@code group} when data is there, so that a silent connection
     * holds no memory.
     *
     * @param ioprio {@link IoUring#RECVSEND_POLL_FIRST} or 0
     */
    public static void recvSelect(
            final long sqe,
            final int fd,
            final int fileFlag,
            final int group,
            final int length,
            final int ioprio,
            final long userData) {
        prepare(
                sqe,
                IoUring.OP_RECV,
                fileFlag | IoUring.SQE_BUFFER_SELECT,
                ioprio,
                fd,
                0,
                0,
                length,
                0,
                group,
                userData);
    }

    /** sendmsg(2) of the {@code struct msghdr} at {@code message}. */
    public static void sendmsg(
            final long sqe, final int fd, final int fileFlag, final long message, final long userData) {
        prepare(sqe, IoUring.OP_SENDMSG, fileFlag, 0, fd, 0, message, 1, MSG_NOSIGNAL | MSG_WAITALL, 0, userData);
    }

    /** send(2). */
    public static void send(
            final long sqe,
            final int fd,
            final int fileFlag,
            final long address,
            final int length,
            final long userData) {
        prepare(sqe, IoUring.OP_SEND, fileFlag, 0, fd, 0, address, length, MSG_NOSIGNAL | MSG_WAITALL, 0, userData);
    }

    /** accept(2), again and again until cancelled. */
    public static void acceptMultishot(final long sqe, final int fd, final long userData) {
        final int cloexec = 0x80000;
        prepare(sqe, IoUring.OP_ACCEPT, 0, IoUring.ACCEPT_MULTISHOT, fd, 0, 0, 0, cloexec, 0, userData);
    }

    /** fdatasync(2). */
    public static void fdatasync(final long sqe, final int fd, final int fileFlag, final long userData) {
        prepare(sqe, IoUring.OP_FSYNC, fileFlag, 0, fd, 0, 0, 0, IoUring.FSYNC_DATASYNC, 0, userData);
    }

    /** fallocate(2); the operation's layout keeps the length in {@code addr} and the mode in {@code len}. */
    public static void fallocate(
            final long sqe,
            final int fd,
            final int fileFlag,
            final int mode,
            final long position,
            final long length,
            final long userData) {
        prepare(sqe, IoUring.OP_FALLOCATE, fileFlag, 0, fd, position, length, mode, 0, 0, userData);
    }

    /** posix_fadvise(2). */
    public static void fadvise(
            final long sqe,
            final int fd,
            final int fileFlag,
            final long position,
            final int length,
            final int advice,
            final long userData) {
        prepare(sqe, IoUring.OP_FADVISE, fileFlag, 0, fd, position, 0, length, advice, 0, userData);
    }

    /** Cancels the operation that was submitted with {@code target} as its user data. */
    public static void cancel(final long sqe, final long target, final long userData) {
        prepare(sqe, IoUring.OP_ASYNC_CANCEL, 0, 0, -1, 0, target, 0, 0, 0, userData);
    }

    /** Does nothing and completes with 0. */
    public static void nop(final long sqe, final long userData) {
        prepare(sqe, IoUring.OP_NOP, 0, 0, -1, 0, 0, 0, 0, 0, userData);
    }

    /**
     * A command to a driver, with the 16 bytes of payload that a 64-byte entry has room for.
     *
     * @param commandOp the driver's code for it
     * @param addr what the driver reads in {@code sqe->addr}
     * @param payload the first eight bytes of {@code sqe->cmd}, and {@code payloadMore} the second
     */
    public static void uringCmd(
            final long sqe,
            final int fd,
            final int fileFlag,
            final int commandOp,
            final long addr,
            final long payload,
            final long payloadMore,
            final long userData) {
        prepare(sqe, IoUring.OP_URING_CMD, fileFlag, 0, fd, commandOp & 0xFFFF_FFFFL, addr, 0, 0, 0, userData);
        Memory.putLong(sqe + IoUring.SQE_ADDR3, payload);
        Memory.putLong(sqe + IoUring.SQE_ADDR3 + 8, payloadMore);
    }
}
