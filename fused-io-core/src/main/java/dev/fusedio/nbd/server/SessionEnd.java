package dev.fusedio.nbd.server;

/** Why a session ended; a bounded set, for metrics. What is said beside it is for people. */
public enum SessionEnd {
    /** The client said so. */
    DISCONNECTED,
    /** The client closed its connection without a word. */
    CLOSED,
    /** The connection failed. */
    CONNECTION,
    /** The client left replies unread, a write without its payload, or memory in use that others waited for. */
    STALLED,
    /** The client sent nothing for longer than allowed. */
    IDLE,
    /** An operator ended it. */
    OPERATOR,
    /** The server stops. */
    SHUTDOWN,
    /** The client broke the protocol, or something broke here: the log has it. */
    OTHER
}
