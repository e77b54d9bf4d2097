package dev.fusedio.ublk;

import dev.fusedio.sys.Memory;
import dev.fusedio.volume.BackendCapabilities;

/**
 * {@code struct ublk_params}: what the block layer is told of a device.
 *
 * @param attributes UBLK_ATTR_*
 * @param logicalBlock bytes, 512 to 4096: the unit of every request
 * @param physicalBlock bytes, what the storage writes without reading first
 * @param preferredBlock bytes, the best size of a request's unit
 * @param maxIoBytes longest request
 * @param sectors size in units of 512 bytes
 * @param maxDiscardSectors longest DISCARD; 0 for none
 * @param maxWriteZeroesSectors longest WRITE_ZEROES; 0 for none
 * @param dmaAlignment mask of the addresses at which pages may be lent; 0 where they are copied
 */
record UblkParameters(
        int attributes,
        int logicalBlock,
        int physicalBlock,
        int preferredBlock,
        int maxIoBytes,
        long sectors,
        int maxDiscardSectors,
        int maxWriteZeroesSectors,
        int dmaAlignment) {
    private static final int SECTOR = 1 << UblkAbi.SECTOR_SHIFT;
    private static final int PAGE = 4096;

    /** Long enough for mkfs to be quick, short enough to be answered well before a time-out. */
    private static final int MAX_CHANGE_SECTORS = (1 << 30) >> UblkAbi.SECTOR_SHIFT;

    /** The same where zeroes are written one by one. */
    private static final int MAX_SLOW_ZERO_SECTORS = (16 << 20) >> UblkAbi.SECTOR_SHIFT;

    /** What every request's pages are aligned to, as direct I/O needs it: one sector. */
    private static final int SECTOR_MASK = SECTOR - 1;

    /**
     * From what a volume's storage can.
     *
     * @param size bytes; what does not fill a logical block at the end is left out
     * @throws UblkException when no block device can be made of it
     */
    static UblkParameters of(
            final BackendCapabilities can,
            final long size,
            final int maxIoBytes,
            final boolean readOnly,
            final boolean lendsPages)
            throws UblkException {
        final int logical = Math.max(can.minimumBlock(), SECTOR);
        if (logical > PAGE) {
            throw new UblkException(
                    "this storage takes blocks of " + logical + " bytes and more; a ublk device's are 512 to " + PAGE,
                    0);
        }
        if (size < PAGE) {
            throw new UblkException("a volume of " + size + " bytes is too small for a block device", 0);
        }
        final int physical = Math.max(logical, Math.min(can.preferredBlock(), PAGE));
        final boolean fixed = readOnly || can.readOnly();
        int attributes = fixed ? UblkAbi.ATTR_READ_ONLY : UblkAbi.ATTR_VOLATILE_CACHE;
        attributes |= can.rotational() ? UblkAbi.ATTR_ROTATIONAL : 0;
        attributes |= can.canFua() && !fixed ? UblkAbi.ATTR_FUA : 0;
        return new UblkParameters(
                attributes,
                logical,
                physical,
                Math.max(physical, can.preferredBlock()),
                maxIoBytes,
                sectors(size, logical),
                can.canTrim() && !fixed ? MAX_CHANGE_SECTORS : 0,
                fixed ? 0 : can.canFastZero() ? MAX_CHANGE_SECTORS : MAX_SLOW_ZERO_SECTORS,
                lendsPages ? Math.max(SECTOR_MASK, logical - 1) : 0);
    }

    /** Sectors of a size, whole logical blocks only. */
    static long sectors(final long size, final int logicalBlock) {
        return size / logicalBlock * (logicalBlock >> UblkAbi.SECTOR_SHIFT);
    }

    void write(final long at) {
        Memory.zero(at, UblkAbi.PARAMS_BYTES);
        Memory.putInt(at + UblkAbi.PARAMS_LEN, UblkAbi.PARAMS_BYTES);
        int types = UblkAbi.PARAM_TYPE_BASIC | UblkAbi.PARAM_TYPE_SEGMENT;
        Memory.putInt(at + UblkAbi.BASIC_ATTRS, attributes);
        Memory.putByte(at + UblkAbi.BASIC_LOGICAL_BS_SHIFT, shift(logicalBlock));
        Memory.putByte(at + UblkAbi.BASIC_PHYSICAL_BS_SHIFT, shift(physicalBlock));
        Memory.putByte(at + UblkAbi.BASIC_IO_OPT_SHIFT, shift(preferredBlock));
        Memory.putByte(at + UblkAbi.BASIC_IO_MIN_SHIFT, shift(physicalBlock));
        Memory.putInt(at + UblkAbi.BASIC_MAX_SECTORS, maxIoBytes >> UblkAbi.SECTOR_SHIFT);
        Memory.putLong(at + UblkAbi.BASIC_DEV_SECTORS, sectors);
        if (maxDiscardSectors > 0 || maxWriteZeroesSectors > 0) {
            types |= UblkAbi.PARAM_TYPE_DISCARD;
            Memory.putInt(at + UblkAbi.DISCARD_GRANULARITY, physicalBlock);
            Memory.putInt(at + UblkAbi.DISCARD_MAX_DISCARD_SECTORS, maxDiscardSectors);
            Memory.putInt(at + UblkAbi.DISCARD_MAX_WRITE_ZEROES_SECTORS, maxWriteZeroesSectors);
            Memory.putShort(at + UblkAbi.DISCARD_MAX_DISCARD_SEGMENTS, (short) 1);
        }
        if (dmaAlignment > 0) {
            types |= UblkAbi.PARAM_TYPE_DMA_ALIGN;
            Memory.putInt(at + UblkAbi.DMA_ALIGNMENT, dmaAlignment);
        }
        // the block layer's default of 128 segments would cut requests of scattered pages at 512 KiB
        Memory.putLong(at + UblkAbi.SEG_BOUNDARY_MASK, 0xFFFF_FFFFL);
        Memory.putInt(at + UblkAbi.SEG_MAX_SEGMENT_SIZE, maxIoBytes);
        Memory.putShort(at + UblkAbi.SEG_MAX_SEGMENTS, (short) (maxIoBytes / PAGE));
        Memory.putInt(at + UblkAbi.PARAMS_TYPES, types);
    }

    /** What the driver has of a device; kinds of parameters that it does not know are zero. */
    static UblkParameters read(final long at) {
        final int types = Memory.getInt(at + UblkAbi.PARAMS_TYPES);
        final boolean discard = (types & UblkAbi.PARAM_TYPE_DISCARD) != 0;
        return new UblkParameters(
                Memory.getInt(at + UblkAbi.BASIC_ATTRS),
                1 << Memory.getByte(at + UblkAbi.BASIC_LOGICAL_BS_SHIFT),
                1 << Memory.getByte(at + UblkAbi.BASIC_PHYSICAL_BS_SHIFT),
                1 << Memory.getByte(at + UblkAbi.BASIC_IO_OPT_SHIFT),
                Memory.getInt(at + UblkAbi.BASIC_MAX_SECTORS) << UblkAbi.SECTOR_SHIFT,
                Memory.getLong(at + UblkAbi.BASIC_DEV_SECTORS),
                discard ? Memory.getInt(at + UblkAbi.DISCARD_MAX_DISCARD_SECTORS) : 0,
                discard ? Memory.getInt(at + UblkAbi.DISCARD_MAX_WRITE_ZEROES_SECTORS) : 0,
                (types & UblkAbi.PARAM_TYPE_DMA_ALIGN) != 0 ? Memory.getInt(at + UblkAbi.DMA_ALIGNMENT) : 0);
    }

    private static byte shift(final int bytes) {
        return (byte) Integer.numberOfTrailingZeros(bytes);
    }
}
