package dev.fusedio.backend.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.sys.Seeds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ChangeFenceTest {
    @Test
    void changesOfTheSameBytesGoOneAfterAnotherInTheirOrder() {
        Seeds.forEach(500, ChangeFenceTest::run);
    }

    private static void run(final long seed) {
        final SplittableRandom random = new SplittableRandom(seed);
        final ChangeFence fence = new ChangeFence();
        final PendingRequests pending = new PendingRequests();
        final List<RemoteRequest> unanswered = new ArrayList<>();
        final List<RemoteRequest> underWay = new ArrayList<>();
        for (int round = 0; round < 200 || !unanswered.isEmpty(); round++) {
            if (round < 200 && random.nextBoolean()) {
                final RemoteRequest request = request(round, random);
                final boolean free = unanswered.stream().noneMatch(request::overlaps);
                assertThat(fence.admit(request)).isEqualTo(free);
                unanswered.add(request);
                if (free) {
                    underWay.add(request);
                }
            } else if (!underWay.isEmpty()) {
                final RemoteRequest answered = underWay.remove(random.nextInt(underWay.size()));
                unanswered.remove(answered);
                final boolean released = fence.answered(answered, pending);
                assertThat(released).isEqualTo(pending.count() > 0);
                long sequence = -1;
                for (RemoteRequest next = pending.poll(); next != null; next = pending.poll()) {
                    assertThat(next.sequence).as("oldest first").isGreaterThan(sequence);
                    sequence = next.sequence;
                    underWay.add(next);
                }
            }
            for (final RemoteRequest request : unanswered) {
                final boolean waits = unanswered.stream()
                        .anyMatch(other -> other.sequence < request.sequence && other.overlaps(request));
                assertThat(underWay.contains(request)).isEqualTo(!waits);
            }
        }
    }

    private static RemoteRequest request(final long sequence, final SplittableRandom random) {
        final RemoteRequest request = new RemoteRequest();
        request.sequence = sequence;
        final int position = random.nextInt(100);
        request.askPlain(null, NbdProtocol.CMD_WRITE_ZEROES, 0, position, 1L + random.nextInt(30));
        return request;
    }
}
