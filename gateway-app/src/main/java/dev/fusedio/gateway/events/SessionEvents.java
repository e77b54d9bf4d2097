package dev.fusedio.gateway.events;

import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.SessionEvent;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import reactor.core.Disposable;

/** Notes NBD sessions as they open and close. */
@Component
final class SessionEvents implements SmartLifecycle {
    /** Before the NBD server has sessions, until it has none. */
    private static final int PHASE = -110;

    private final NbdSessions sessions;
    private final EventJournal journal;
    private volatile @Nullable Disposable following;

    SessionEvents(final NbdSessions sessions, final EventJournal journal) {
        this.sessions = sessions;
        this.journal = journal;
    }

    @Override
    public void start() {
        following = sessions.events().subscribe(this::note);
    }

    @Override
    public void stop() {
        final Disposable ending = following;
        following = null;
        if (ending != null) {
            ending.dispose();
        }
    }

    @Override
    public boolean isRunning() {
        return following != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    private void note(final SessionEvent event) {
        journal.append(
                switch (event.type()) {
                    case OPENED -> EventType.SESSION_OPENED;
                    case CLOSED -> EventType.SESSION_CLOSED;
                },
                "/api/v1/sessions/" + event.sessionId(),
                new EventSubject.OfSession(
                        event.sessionId(),
                        event.volume(),
                        event.peer(),
                        event.reason().isEmpty() ? null : event.reason()));
    }
}
