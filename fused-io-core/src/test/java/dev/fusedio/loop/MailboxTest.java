package dev.fusedio.loop;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MailboxTest {
    private static final int SENDERS = 4;
    private static final int LETTERS = 50_000;

    private record Letter(int sender, int number) implements Runnable {
        @Override
        public void run() {
            // carries its numbers only
        }
    }

    @Test
    void isBounded() {
        final Mailbox mailbox = new Mailbox(4);
        for (int round = 0; round < 10; round++) {
            for (int i = 0; i < 4; i++) {
                assertThat(mailbox.offer(new Letter(0, i))).isTrue();
            }
            assertThat(mailbox.offer(new Letter(0, 4))).isFalse();
            assertThat(mailbox.poll()).isEqualTo(new Letter(0, 0));
            assertThat(mailbox.offer(new Letter(0, 4))).isTrue();
            for (int i = 1; i <= 4; i++) {
                assertThat(mailbox.isEmpty()).isFalse();
                assertThat(mailbox.poll()).isEqualTo(new Letter(0, i));
            }
            assertThat(mailbox.isEmpty()).isTrue();
            assertThat(mailbox.poll()).isNull();
        }
    }

    /** Several senders, one receiver, a box that is full most of the time: nothing lost, doubled or out of order. */
    @Test
    void isSafeForManySenders() throws InterruptedException {
        final Mailbox mailbox = new Mailbox(64);
        final CountDownLatch ready = new CountDownLatch(SENDERS);
        final AtomicInteger refusals = new AtomicInteger();
        final List<Thread> senders = new ArrayList<>();
        for (int sender = 0; sender < SENDERS; sender++) {
            final int id = sender;
            senders.add(Thread.ofPlatform().start(() -> {
                ready.countDown();
                for (int number = 0; number < LETTERS; number++) {
                    while (!mailbox.offer(new Letter(id, number))) {
                        refusals.incrementAndGet();
                        LockSupport.parkNanos(1000);
                    }
                }
            }));
        }
        ready.await();
        final int[] next = new int[SENDERS];
        for (int received = 0; received < SENDERS * LETTERS; ) {
            if (mailbox.poll() instanceof Letter letter) {
                assertThat(letter.number()).isEqualTo(next[letter.sender()]++);
                received++;
            } else {
                Thread.onSpinWait();
            }
        }
        for (final Thread sender : senders) {
            sender.join();
        }
        assertThat(mailbox.poll()).isNull();
        assertThat(next).containsOnly(LETTERS);
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 3, 100, -4})
    void hasAPowerOfTwoOfPlaces(final int capacity) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Mailbox(capacity))
                .withMessageContaining(Integer.toString(capacity));
    }
}
