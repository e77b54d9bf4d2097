package dev.fusedio.gateway.engine;

import java.util.Locale;

/** Why a session ended, as a bounded set; the server's words for it are for people and hold numbers. */
enum SessionEnd {
    /** The client said so. */
    DISCONNECTED,
    /** The client closed its connection without a word. */
    CLOSED,
    /** The connection failed. */
    CONNECTION,
    /** The client was cut because it left replies unread or a write without its payload. */
    STALLED,
    /** It sent nothing for longer than allowed. */
    IDLE,
    /** An operator ended it. */
    OPERATOR,
    /** The gateway stops. */
    SHUTDOWN,
    /** It broke the protocol, or something broke here: the log has it. */
    OTHER;

    /** What the server says when an operator ends a session. */
    static final String BY_OPERATOR = "ended by an operator";

    static SessionEnd of(final String reason) {
        if (reason.startsWith("the client disconnected")) {
            return DISCONNECTED;
        }
        if (reason.startsWith("the client closed")) {
            return CLOSED;
        }
        if (reason.startsWith("the client left")) {
            return STALLED;
        }
        if (reason.startsWith("the session was idle")) {
            return IDLE;
        }
        if (reason.startsWith("send: ") || reason.startsWith("receive: ")) {
            return CONNECTION;
        }
        return switch (reason) {
            case BY_OPERATOR -> OPERATOR;
            case "the server is shutting down" -> SHUTDOWN;
            default -> OTHER;
        };
    }

    /** As it is written in labels. */
    String text() {
        return name().toLowerCase(Locale.ROOT);
    }
}
