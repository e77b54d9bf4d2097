package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.core.scheduler.Schedulers;

class TurnsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final Turns turns = new Turns();

    @Test
    void workOnOneNameComesInOrder() {
        final List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        final Sinks.Empty<Void> first = Sinks.empty();
        final Mono<Integer> one = turns.take("a", first.asMono().then(Mono.fromCallable(() -> note(order, 1))));
        final Mono<Integer> two = turns.take("a", Mono.fromCallable(() -> note(order, 2)));
        one.subscribe();
        two.subscribe();
        assertThat(order).isEmpty();

        first.tryEmitEmpty();

        assertThat(order).containsExactly(1, 2);
    }

    @Test
    void otherNamesDoNotWait() {
        turns.take("a", Mono.never()).subscribe();

        assertThat(turns.take("b", Mono.just(1)).block(PATIENCE)).isEqualTo(1);
    }

    @Test
    void aFailureEndsATurn() {
        assertThat(turns.take("a", Mono.error(new IllegalStateException()))
                        .onErrorReturn(7)
                        .block(PATIENCE))
                .isEqualTo(7);
        assertThat(turns.take("a", Mono.just(1)).block(PATIENCE)).isEqualTo(1);
    }

    @Test
    void whoLeavesDoesNotStopWorkNorLetOthersIn() {
        final List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        final Sinks.Empty<Void> gate = Sinks.empty();
        final Disposable leaving = turns.take("a", gate.asMono().then(Mono.fromCallable(() -> note(order, 1))))
                .subscribe();
        final Disposable waiting =
                turns.take("a", Mono.fromCallable(() -> note(order, 2))).subscribe();
        turns.take("a", Mono.fromCallable(() -> note(order, 3))).subscribe();

        leaving.dispose();
        waiting.dispose();
        assertThat(order).isEmpty();
        gate.tryEmitEmpty();

        assertThat(order).containsExactly(1, 2, 3);
    }

    @Test
    void twoNamesAtOnceNeverMeetTwoOthersNorEachOther() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        final String[] names = {"a", "b", "c", "d"};
        final Map<String, AtomicInteger> inside = new ConcurrentHashMap<>();
        for (final String name : names) {
            inside.put(name, new AtomicInteger());
        }
        final AtomicInteger collisions = new AtomicInteger();
        final List<Mono<Integer>> work = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            final String one = names[random.nextInt(names.length)];
            final String other = names[random.nextInt(names.length)];
            work.add(turns.take(
                            one,
                            other,
                            Mono.fromCallable(() -> {
                                        for (final String name : List.of(one, other)) {
                                            if (inside.get(name).incrementAndGet() > (one.equals(other) ? 2 : 1)) {
                                                collisions.incrementAndGet();
                                            }
                                        }
                                        LockSupport.parkNanos(1_000);
                                        inside.get(one).decrementAndGet();
                                        inside.get(other).decrementAndGet();
                                        return 1;
                                    })
                                    .subscribeOn(Schedulers.parallel()))
                    .subscribeOn(Schedulers.parallel()));
        }

        final Integer done = Flux.merge(Flux.fromIterable(work), 64, 1)
                .reduce(0, Integer::sum)
                .block(PATIENCE);

        assertThat(done).as("seed %d", seed).isEqualTo(500);
        assertThat(collisions).as("seed %d", seed).hasValue(0);
    }

    private static int note(final List<Integer> order, final int value) {
        order.add(value);
        return value;
    }
}
