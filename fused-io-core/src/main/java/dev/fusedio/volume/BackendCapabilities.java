package dev.fusedio.volume;

/**
 * What a backend can, as it declares it; front ends announce exactly this.
 *
 * @param canTrim whether {@link BackendLane#trim} frees space
 * @param canFastZero whether zeroing a range is faster than writing zeroes
 * @param canFua whether a single write can be made durable
 * @param canExtents whether holes are known
 * @param canMultiConnect whether a flush on one lane covers what was acknowledged on all
 * @param canBorrowKernelBuffer whether reads and writes can work on a kernel's buffer by index
 * @param lendFrom bytes from which on a kernel's buffer is lent, because copying a shorter one costs less; 0 to lend all
 * @param readOnly whether nothing can be written
 * @param rotational whether seeks are slow
 * @param minimumBlock bytes; offsets and lengths are multiples of it; a power of two, 1 to 65536
 * @param preferredBlock bytes; a power of two, at least 512 and {@code minimumBlock}
 */
public record BackendCapabilities(
        boolean canTrim,
        boolean canFastZero,
        boolean canFua,
        boolean canExtents,
        boolean canMultiConnect,
        boolean canBorrowKernelBuffer,
        int lendFrom,
        boolean readOnly,
        boolean rotational,
        int minimumBlock,
        int preferredBlock) {

    public BackendCapabilities {
        if (Integer.bitCount(minimumBlock) != 1 || minimumBlock > 65536) {
            throw new IllegalArgumentException("minimum block of " + minimumBlock + " bytes");
        }
        if (Integer.bitCount(preferredBlock) != 1 || preferredBlock < Math.max(minimumBlock, 512)) {
            throw new IllegalArgumentException("preferred block of " + preferredBlock + " bytes");
        }
    }

    /** The same without the right to write. */
    public BackendCapabilities asReadOnly() {
        return new BackendCapabilities(
                false,
                false,
                canFua,
                canExtents,
                canMultiConnect,
                canBorrowKernelBuffer,
                lendFrom,
                true,
                rotational,
                minimumBlock,
                preferredBlock);
    }
}
