package dev.fusedio.ring;

/** What a simulated kernel may do to a program, beside the plain success that the program hopes for. */
public enum Fault {
    /** Operations are carried out in another order than they were submitted in. */
    REORDER,
    /** An operation starts late, or its completion is shown late. */
    LATE,
    /** A transfer ends with less than was asked for, even with MSG_WAITALL. */
    SHORT,
    /** A transfer that has moved nothing ends with -EAGAIN. */
    EAGAIN,
    /** A transfer that has moved nothing ends with -EINTR. */
    EINTR,
    /** The network delivers, and a socket takes, less than is there. */
    FRAGMENT,
    /** io_uring_enter takes only some of the entries. */
    PARTIAL_SUBMISSION,
    /** The eventfd's read ends although nobody signalled, or with -EINTR. */
    SPURIOUS_WAKE_UP,
    /** A receive finds no provided buffer although there is one. */
    ENOBUFS,
    /** A receive that meets the end of the stream has taken a buffer all the same, as Linux 6.1 does. */
    BUFFER_AT_END,
    /** A multishot accept ends with the connection it delivers: the last one has no CQE_F_MORE. */
    MULTISHOT_END,
    /** The ring's file table has no room. */
    TABLE_FULL,
    /** io_uring_enter takes none of the entries: -EAGAIN or -EBUSY. */
    NOTHING_TAKEN,

    /** A file's device fails. */
    EIO,
    /** A file system is full. */
    ENOSPC,
    /** A connection is reset from outside. */
    ECONNRESET,
    /** An accept fails for want of descriptors; the connection waits on. */
    EMFILE;

    /** Whether a correct program carries on as if nothing had happened: nobody sees an error. */
    public boolean isBenign() {
        return compareTo(EIO) < 0;
    }
}
