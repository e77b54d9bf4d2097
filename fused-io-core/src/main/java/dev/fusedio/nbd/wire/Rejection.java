package dev.fusedio.nbd.wire;

import dev.fusedio.sys.Errno;
import java.nio.charset.StandardCharsets;

/** Why a request is answered with an error: the NBD error number and the text that structured replies carry. */
public enum Rejection {
    READ_ONLY(Errno.EPERM, "the export is read-only"),
    WRITE_BEYOND_END(Errno.ENOSPC, "the range ends beyond the export"),
    BEYOND_END(Errno.EINVAL, "the range ends beyond the export"),
    MISALIGNED(Errno.EINVAL, "offset or length is not a multiple of the minimum block size"),
    UNKNOWN_COMMAND(Errno.EINVAL, "unknown command"),
    UNKNOWN_FLAG(Errno.EINVAL, "a command flag that is unknown or was not advertised"),
    TOO_LONG(Errno.EINVAL, "the length is above the maximum payload"),
    DF_TOO_LONG(Errno.EOVERFLOW, "too long to be read in one fragment"),
    NO_CONTEXT(Errno.EINVAL, "no metadata context was negotiated"),
    BAD_PAYLOAD(Errno.EINVAL, "unexpected, missing or malformed payload"),
    EMPTY_RANGE(Errno.EINVAL, "the length is zero"),
    RESERVED_FIELDS(Errno.EINVAL, "offset and length of a flush must be zero"),
    NOT_FASTER(Errno.EOPNOTSUPP, "zeroing would not be faster than writing"),
    SHUTTING_DOWN(Errno.ESHUTDOWN, "the server is shutting down"),
    NO_SPACE(Errno.ENOSPC, "no space left on the server's storage"),
    IO_ERROR(Errno.EIO, "the server's storage failed"),
    NO_MEMORY(Errno.ENOMEM, "out of memory"),
    FORBIDDEN(Errno.EPERM, "the server's storage refused it"),
    NOT_SUPPORTED(Errno.EOPNOTSUPP, "the server's storage can't do that"),
    INVALID(Errno.EINVAL, "the server's storage refused the range");

    private final int errno;

    @SuppressWarnings("ImmutableEnumChecker") // package-private, and nobody writes to it
    private final byte[] text;

    Rejection(final int errno, final String text) {
        this.errno = errno;
        this.text = text.getBytes(StandardCharsets.US_ASCII);
    }

    /** The number on the wire, which is Linux's for all that NBD knows. */
    public int errno() {
        return errno;
    }

    /** ASCII; not to be changed. */
    byte[] text() {
        return text;
    }

    /**
     * What a backend's error becomes on the wire (specification, "Error values"): only numbers that NBD knows.
     *
     * @param error the error number, positive
     */
    public static Rejection ofBackend(final int error) {
        return switch (error) {
            case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG -> NO_SPACE;
            case Errno.EPERM, Errno.EACCES, Errno.EROFS -> FORBIDDEN;
            case Errno.ENOMEM -> NO_MEMORY;
            case Errno.EINVAL -> INVALID;
            case Errno.EOPNOTSUPP -> NOT_SUPPORTED;
            case Errno.ESHUTDOWN -> SHUTTING_DOWN;
            default -> IO_ERROR;
        };
    }
}
