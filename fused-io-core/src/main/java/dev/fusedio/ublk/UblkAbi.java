package dev.fusedio.ublk;

/** {@code include/uapi/linux/ublk_cmd.h}: codes, flags and the offsets of the structures shared with the driver. */
final class UblkAbi {
    static final String CONTROL_PATH = "/dev/ublk-control";
    static final String CHAR_PREFIX = "/dev/ublkc";
    static final String BLOCK_PREFIX = "/dev/ublkb";

    /* Control commands: _IOR('u', n, struct ublksrv_ctrl_cmd) or _IOWR. */
    static final int U_CMD_ADD_DEV = 0xC020_7504;
    static final int U_CMD_DEL_DEV = 0xC020_7505;
    static final int U_CMD_START_DEV = 0xC020_7506;
    static final int U_CMD_STOP_DEV = 0xC020_7507;
    static final int U_CMD_SET_PARAMS = 0xC020_7508;
    static final int U_CMD_GET_PARAMS = 0x8020_7509;
    static final int U_CMD_START_USER_RECOVERY = 0xC020_7510;
    static final int U_CMD_END_USER_RECOVERY = 0xC020_7511;
    static final int U_CMD_GET_DEV_INFO2 = 0x8020_7512;
    static final int U_CMD_GET_FEATURES = 0x8020_7513;
    static final int U_CMD_DEL_DEV_ASYNC = 0x8020_7514;
    static final int U_CMD_UPDATE_SIZE = 0xC020_7515;
    static final int U_CMD_QUIESCE_DEV = 0xC020_7516;
    static final int U_CMD_TRY_STOP_DEV = 0xC020_7517;

    /* Queue commands: _IOWR('u', n, struct ublksrv_io_cmd). */
    static final int U_IO_FETCH_REQ = 0xC010_7520;
    static final int U_IO_COMMIT_AND_FETCH_REQ = 0xC010_7521;
    static final int U_IO_REGISTER_IO_BUF = 0xC010_7523;
    static final int U_IO_UNREGISTER_IO_BUF = 0xC010_7524;

    /** A queue command's result: there is a block request. */
    static final int IO_RES_OK = 0;

    /* UBLK_F_* */
    static final long F_SUPPORT_ZERO_COPY = 1L;
    static final long F_URING_CMD_COMP_IN_TASK = 1L << 1;
    static final long F_USER_RECOVERY = 1L << 3;
    static final long F_USER_RECOVERY_REISSUE = 1L << 4;
    static final long F_CMD_IOCTL_ENCODE = 1L << 6;
    static final long F_USER_COPY = 1L << 7;
    static final long F_UPDATE_SIZE = 1L << 10;
    static final long F_AUTO_BUF_REG = 1L << 11;
    static final long F_QUIESCE = 1L << 12;
    static final long F_SAFE_STOP_DEV = 1L << 17;

    /* UBLK_S_DEV_* */
    static final int S_DEV_DEAD = 0;
    static final int S_DEV_LIVE = 1;
    static final int S_DEV_QUIESCED = 2;
    static final int S_DEV_FAIL_IO = 3;

    /*
     * struct ublksrv_ctrl_cmd {                          offset
     *     __u32 dev_id; __u16 queue_id; __u16 len;        0, 4, 6
     *     __u64 addr; __u64 data[1];                      8, 16
     *     __u16 dev_path_len; __u16 pad; __u32 reserved;  24, 26, 28
     * };
     */
    static final int CTRL_CMD_BYTES = 32;
    static final int CTRL_DEV_ID = 0;
    static final int CTRL_QUEUE_ID = 4;
    static final int CTRL_LEN = 6;
    static final int CTRL_ADDR = 8;
    static final int CTRL_DATA = 16;
    static final int CTRL_DEV_PATH_LEN = 24;

    /*
     * struct ublksrv_ctrl_dev_info {                     offset
     *     __u16 nr_hw_queues; __u16 queue_depth;          0, 2
     *     __u16 state; __u16 io_desc_size;                4, 6
     *     __u32 max_io_buf_bytes; __u32 dev_id;           8, 12
     *     __s32 ublksrv_pid; __u32 pad1;                  16, 20
     *     __u64 flags; __u64 ublksrv_flags;               24, 32
     *     __u32 owner_uid; __u32 owner_gid;               40, 44
     *     __u64 reserved1; __u64 reserved2;               48, 56
     * };
     */
    static final int DEV_INFO_BYTES = 64;
    static final int INFO_NR_HW_QUEUES = 0;
    static final int INFO_QUEUE_DEPTH = 2;
    static final int INFO_STATE = 4;
    static final int INFO_MAX_IO_BUF_BYTES = 8;
    static final int INFO_DEV_ID = 12;
    static final int INFO_SRV_PID = 16;
    static final int INFO_FLAGS = 24;
    static final int INFO_SRV_FLAGS = 32;
    static final int INFO_RESERVED2 = 56;

    /* struct ublksrv_io_desc { __u32 op_flags; __u32 nr_sectors; __u64 start_sector; __u64 addr; } */
    static final int IO_DESC_BYTES = 24;
    static final int DESC_OP_FLAGS = 0;
    static final int DESC_NR_SECTORS = 4;
    static final int DESC_START_SECTOR = 8;
    static final int DESC_ADDR = 16;

    static final int IO_OP_READ = 0;
    static final int IO_OP_WRITE = 1;
    static final int IO_OP_FLUSH = 2;
    static final int IO_OP_DISCARD = 3;
    static final int IO_OP_WRITE_ZEROES = 5;
    static final int IO_OP_MASK = 0xFF;
    static final int IO_F_FUA = 1 << 13;
    static final int IO_F_NOUNMAP = 1 << 15;

    /** The request's pages could not be registered by themselves: the server has to see to it. */
    static final int IO_F_NEED_REG_BUF = 1 << 17;

    /* struct ublksrv_io_cmd { __u16 q_id; __u16 tag; __s32 result; __u64 addr; }, in sqe->cmd */
    static final int IO_CMD_BYTES = 16;

    /* struct ublk_auto_buf_reg { __u16 index; __u8 flags; __u8 reserved0; __u32 reserved1; }, packed in sqe->addr */
    static final long AUTO_BUF_REG_FALLBACK = 1L << 16;

    /** An index beyond any ring's table (io_uring has at most 16384 places), for a tag that has none of its own. */
    static final int NO_BUFFER_INDEX = 0xFFFF;

    /*
     * struct ublk_params {                               offset
     *     __u32 len; __u32 types;                         0, 4
     *     struct ublk_param_basic basic;                  8
     *     struct ublk_param_discard discard;              40
     *     struct ublk_param_devt devt;                    60
     *     struct ublk_param_zoned zoned;                  76
     *     struct ublk_param_dma_align dma;                108
     *     struct ublk_param_segment seg;                  120
     *     struct ublk_param_integrity integrity;          136
     * };
     * Drivers take as many bytes as they know of.
     */
    static final int PARAMS_BYTES = 152;
    static final int PARAMS_LEN = 0;
    static final int PARAMS_TYPES = 4;
    static final int BASIC_ATTRS = 8;
    static final int BASIC_LOGICAL_BS_SHIFT = 12;
    static final int BASIC_PHYSICAL_BS_SHIFT = 13;
    static final int BASIC_IO_OPT_SHIFT = 14;
    static final int BASIC_IO_MIN_SHIFT = 15;
    static final int BASIC_MAX_SECTORS = 16;
    static final int BASIC_CHUNK_SECTORS = 20;
    static final int BASIC_DEV_SECTORS = 24;
    static final int BASIC_VIRT_BOUNDARY_MASK = 32;
    static final int DISCARD_ALIGNMENT = 40;
    static final int DISCARD_GRANULARITY = 44;
    static final int DISCARD_MAX_DISCARD_SECTORS = 48;
    static final int DISCARD_MAX_WRITE_ZEROES_SECTORS = 52;
    static final int DISCARD_MAX_DISCARD_SEGMENTS = 56;
    static final int DMA_ALIGNMENT = 108;
    static final int SEG_BOUNDARY_MASK = 120;
    static final int SEG_MAX_SEGMENT_SIZE = 128;
    static final int SEG_MAX_SEGMENTS = 132;
    static final int INTEGRITY = 136;

    static final int PARAM_TYPE_BASIC = 1;
    static final int PARAM_TYPE_DISCARD = 1 << 1;
    static final int PARAM_TYPE_DMA_ALIGN = 1 << 4;
    static final int PARAM_TYPE_SEGMENT = 1 << 5;

    static final int ATTR_READ_ONLY = 1;
    static final int ATTR_ROTATIONAL = 1 << 1;
    static final int ATTR_VOLATILE_CACHE = 1 << 2;
    static final int ATTR_FUA = 1 << 3;

    static final int SECTOR_SHIFT = 9;

    /** UBLK_MAX_QUEUE_DEPTH, UBLK_MAX_NR_QUEUES. */
    static final int MAX_QUEUE_DEPTH = 4096;

    static final int MAX_NR_QUEUES = 4096;

    private static final int PAGE = 4096;
    private static final long USER_COPY_OFFSET = 0x8000_0000L;
    private static final int USER_COPY_TAG_SHIFT = 25;
    private static final int USER_COPY_QUEUE_SHIFT = 41;

    static {
        if (CTRL_CMD_BYTES != CTRL_DEV_PATH_LEN + 8
                || DEV_INFO_BYTES != INFO_RESERVED2 + 8
                || IO_DESC_BYTES != DESC_ADDR + 8
                || PARAMS_BYTES != INTEGRITY + 16
                || SEG_BOUNDARY_MASK != DMA_ALIGNMENT + 4 + 8) {
            throw new AssertionError("ublk structure sizes do not agree with their offsets");
        }
    }

    private UblkAbi() {}

    /** Where on the character device the descriptors of a queue are mapped: UBLKSRV_CMD_BUF_OFFSET and the queue's. */
    static long descriptorsOffset(final int queue) {
        return queue * descriptorsBytes(MAX_QUEUE_DEPTH);
    }

    /** Bytes of a queue's descriptors, in pages. */
    static long descriptorsBytes(final int depth) {
        return ((long) depth * IO_DESC_BYTES + PAGE - 1) / PAGE * PAGE;
    }

    /** Where on the character device a request's data is read and written: UBLKSRV_IO_BUF_OFFSET and its place. */
    static long userCopyPosition(final int queue, final int tag, final int offset) {
        return USER_COPY_OFFSET
                + ((long) queue << USER_COPY_QUEUE_SHIFT)
                + ((long) tag << USER_COPY_TAG_SHIFT)
                + offset;
    }

    /** {@code struct ublksrv_io_cmd}, its first eight bytes. */
    static long ioCommand(final int queue, final int tag, final int result) {
        return queue | (long) tag << 16 | (long) result << 32;
    }
}
