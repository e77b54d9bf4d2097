package dev.fusedio.nbd.server;

/** Is told of sessions, on a core loop's thread: must return at once. */
public interface SessionListener {
    /** A handshake ended and transmission begins. */
    void opened(SessionSnapshot session);

    /**
     * A session ended.
     *
     * @param end why
     * @param reason the same for people
     */
    void closed(SessionSnapshot session, SessionEnd end, String reason);

    /** Tells nobody. */
    static SessionListener none() {
        return new SessionListener() {
            @Override
            public void opened(final SessionSnapshot session) {
                // nobody asked
            }

            @Override
            public void closed(final SessionSnapshot session, final SessionEnd end, final String reason) {
                // nobody asked
            }
        };
    }
}
