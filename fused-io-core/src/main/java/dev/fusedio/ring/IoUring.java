package dev.fusedio.ring;

import java.nio.ByteOrder;

/**
 * The io_uring interface as {@code include/uapi/linux/io_uring.h} has it: operation codes, flags and the offsets of the
 * structures that are shared with the kernel.
 */
public final class IoUring {
    static final int SYS_IO_URING_SETUP = 425;
    static final int SYS_IO_URING_ENTER = 426;
    static final int SYS_IO_URING_REGISTER = 427;

    /*
     * struct io_uring_sqe {                              offset
     *     __u8  opcode; __u8 flags; __u16 ioprio;             0
     *     __s32 fd;                                           4
     *     __u64 off;                                          8
     *     __u64 addr;                                        16
     *     __u32 len; __u32 rw_flags;                     24, 28
     *     __u64 user_data;                                   32
     *     __u16 buf_index; __u16 personality; __s32 file_index;  40, 42, 44
     *     __u64 addr3; __u64 __pad2[1];                  48, 56
     * };
     */
    public static final int SQE_BYTES = 64;
    public static final int SQE_OPCODE = 0;
    public static final int SQE_FLAGS = 1;
    public static final int SQE_IOPRIO = 2;
    public static final int SQE_FD = 4;
    public static final int SQE_OFF = 8;
    public static final int SQE_ADDR = 16;
    public static final int SQE_LEN = 24;
    public static final int SQE_OP_FLAGS = 28;
    public static final int SQE_USER_DATA = 32;
    public static final int SQE_BUF_INDEX = 40;
    public static final int SQE_FILE_INDEX = 44;
    public static final int SQE_ADDR3 = 48;

    public static final int OP_NOP = 0;
    public static final int OP_FSYNC = 3;
    public static final int OP_READ_FIXED = 4;
    public static final int OP_WRITE_FIXED = 5;
    public static final int OP_SENDMSG = 9;
    public static final int OP_ACCEPT = 13;
    public static final int OP_ASYNC_CANCEL = 14;
    public static final int OP_FALLOCATE = 17;
    public static final int OP_CLOSE = 19;
    public static final int OP_READ = 22;
    public static final int OP_WRITE = 23;
    public static final int OP_FADVISE = 24;
    public static final int OP_SEND = 26;
    public static final int OP_RECV = 27;
    public static final int OP_URING_CMD = 46;
    public static final int OP_SEND_ZC = 47;

    public static final int SQE_FIXED_FILE = 1;
    public static final int SQE_IO_LINK = 1 << 2;
    public static final int SQE_ASYNC = 1 << 4;
    public static final int SQE_BUFFER_SELECT = 1 << 5;
    public static final int SQE_CQE_SKIP_SUCCESS = 1 << 6;

    /** {@code sqe->ioprio} of send and recv: wait for readiness before the first attempt. */
    public static final int RECVSEND_POLL_FIRST = 1;

    /** {@code sqe->ioprio} of send and recv: the buffer is a registered one; plain SEND and RECV take it since 7.2. */
    public static final int RECVSEND_FIXED_BUF = 1 << 2;

    /** {@code sqe->ioprio} of accept. */
    public static final int ACCEPT_MULTISHOT = 1;

    /** {@code sqe->fsync_flags}. */
    public static final int FSYNC_DATASYNC = 1;

    /* struct io_uring_cqe { __u64 user_data; __s32 res; __u32 flags; } */
    static final int CQE_BYTES = 16;
    static final int CQE_RES = 8;
    static final int CQE_FLAGS = 12;

    public static final int CQE_F_BUFFER = 1;
    public static final int CQE_F_MORE = 1 << 1;
    public static final int CQE_F_SOCK_NONEMPTY = 1 << 2;
    public static final int CQE_F_NOTIF = 1 << 3;
    public static final int CQE_BUFFER_SHIFT = 16;

    static final int SETUP_CQSIZE = 1 << 3;
    static final int SETUP_CLAMP = 1 << 4;
    static final int SETUP_SUBMIT_ALL = 1 << 7;
    static final int SETUP_COOP_TASKRUN = 1 << 8;
    static final int SETUP_SQE128 = 1 << 10;
    static final int SETUP_SINGLE_ISSUER = 1 << 12;
    static final int SETUP_DEFER_TASKRUN = 1 << 13;
    static final int SETUP_NO_SQARRAY = 1 << 16;

    static final int ENTER_GETEVENTS = 1;
    static final int ENTER_EXT_ARG = 1 << 3;
    static final int ENTER_REGISTERED_RING = 1 << 4;

    static final int FEAT_SINGLE_MMAP = 1;
    static final int FEAT_NODROP = 1 << 1;
    static final int FEAT_EXT_ARG = 1 << 8;

    static final int SQ_CQ_OVERFLOW = 1 << 1;

    static final long OFF_SQ_RING = 0;
    static final long OFF_SQES = 0x10000000L;

    static final int REGISTER_BUFFERS = 0;
    static final int REGISTER_FILES_UPDATE = 6;
    static final int REGISTER_PROBE = 8;
    static final int REGISTER_FILES2 = 13;
    static final int REGISTER_BUFFERS2 = 15;
    static final int REGISTER_BUFFERS_UPDATE = 16;
    static final int REGISTER_RING_FDS = 20;
    static final int UNREGISTER_RING_FDS = 21;
    static final int REGISTER_PBUF_RING = 22;
    static final int REGISTER_SYNC_CANCEL = 24;
    static final int ASYNC_CANCEL_ALL = 1;
    static final int ASYNC_CANCEL_ANY = 1 << 2;
    static final int PROBE_OP_SUPPORTED = 1;
    static final int RSRC_REGISTER_SPARSE = 1;

    /* struct io_uring_params: 120 bytes. */
    static final int PARAMS_BYTES = 120;
    static final int PARAMS_SQ_ENTRIES = 0;
    static final int PARAMS_CQ_ENTRIES = 4;
    static final int PARAMS_FLAGS = 8;
    static final int PARAMS_FEATURES = 20;
    static final int PARAMS_SQ_OFF = 40;
    static final int PARAMS_CQ_OFF = 80;

    /* struct io_sqring_offsets, struct io_cqring_offsets. */
    static final int SQ_HEAD = 0;
    static final int SQ_TAIL = 4;
    static final int SQ_FLAGS = 16;
    static final int SQ_ARRAY = 24;
    static final int CQ_HEAD = 0;
    static final int CQ_TAIL = 4;
    static final int CQ_OVERFLOW = 16;
    static final int CQ_CQES = 20;

    /* struct io_uring_buf { __u64 addr; __u32 len; __u16 bid; __u16 resv; }: the ring's tail is entry 0's resv. */
    public static final int BUF_BYTES = 16;
    public static final int BUF_LEN = 8;
    public static final int BUF_BID = 12;
    public static final int BUF_RING_TAIL = 14;

    static {
        if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
            throw new AssertionError("submission entries are composed for little-endian machines only");
        }
        if (SQE_BYTES != SQE_ADDR3 + 16 || CQE_BYTES != CQE_FLAGS + 4 || BUF_BYTES != BUF_RING_TAIL + 2) {
            throw new AssertionError("io_uring structure sizes do not agree with their offsets");
        }
    }

    private IoUring() {}
}
