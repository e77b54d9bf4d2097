package dev.fusedio.ring;

/** Operations that a ring is probed for, in the kernel's names less IORING_OP_. */
enum RingOperation {
    READ_FIXED(IoUring.OP_READ_FIXED, true),
    WRITE_FIXED(IoUring.OP_WRITE_FIXED, true),
    FSYNC(IoUring.OP_FSYNC, true),
    FALLOCATE(IoUring.OP_FALLOCATE, true),
    FADVISE(IoUring.OP_FADVISE, true),
    ACCEPT(IoUring.OP_ACCEPT, true),
    RECV(IoUring.OP_RECV, true),
    SEND(IoUring.OP_SEND, true),
    SENDMSG(IoUring.OP_SENDMSG, true),
    ASYNC_CANCEL(IoUring.OP_ASYNC_CANCEL, true),
    SEND_ZC(IoUring.OP_SEND_ZC, false);

    private final int opcode;
    private final boolean required;

    RingOperation(final int opcode, final boolean required) {
        this.opcode = opcode;
        this.required = required;
    }

    int opcode() {
        return opcode;
    }

    /** Whether the core can't do without it. */
    boolean required() {
        return required;
    }
}
