package dev.fusedio.gateway.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class UseCountTest {
    private final UseCount uses = new UseCount();

    @Test
    void closesAtOnceWhenIdle() {
        assertThat(uses.enter()).isTrue();
        uses.leave();
        assertThat(uses.close().toFuture()).isDone();
        assertThat(uses.enter()).isFalse();
    }

    @Test
    void waitsForTheLastUseAndLetsNobodyIn() {
        assertThat(uses.enter()).isTrue();
        assertThat(uses.enter()).isTrue();
        final var closed = uses.close().toFuture();
        assertThat(uses.enter()).isFalse();
        uses.leave();
        assertThat(closed).isNotDone();
        uses.leave();
        assertThat(closed).isDone();
        assertThat(uses.close().toFuture()).isDone();
    }

    @Test
    void nobodyIsInsideOnceItHasClosed() throws InterruptedException {
        for (int round = 0; round < 200; round++) {
            final UseCount shared = new UseCount();
            final AtomicInteger inside = new AtomicInteger();
            final AtomicBoolean closed = new AtomicBoolean();
            final AtomicInteger late = new AtomicInteger();
            final CountDownLatch go = new CountDownLatch(1);
            final Thread[] users = new Thread[2];
            for (int i = 0; i < users.length; i++) {
                users[i] = Thread.ofPlatform().start(() -> {
                    awaitQuietly(go);
                    while (shared.enter()) {
                        inside.incrementAndGet();
                        if (closed.get()) {
                            late.incrementAndGet();
                        }
                        inside.decrementAndGet();
                        shared.leave();
                    }
                });
            }
            go.countDown();
            shared.close()
                    .doOnTerminate(() -> {
                        closed.set(true);
                        late.addAndGet(inside.get());
                    })
                    .block();
            for (final Thread user : users) {
                user.join();
            }
            assertThat(late).as("round %d", round).hasValue(0);
        }
    }

    private static void awaitQuietly(final CountDownLatch latch) {
        try {
            latch.await();
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
