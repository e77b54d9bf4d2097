package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** All that uses volumes otherwise than by NBD sessions. */
final class VolumeUses {
    private final List<VolumeUse> all = new CopyOnWriteArrayList<>();

    void add(final VolumeUse use) {
        all.add(use);
    }

    void requireNone(final String volume, final String done) {
        for (final VolumeUse use : all) {
            use.useOf(volume).ifPresent(user -> {
                throw new ProblemException(
                        ProblemType.VOLUME_IN_USE,
                        "The volume '" + volume + "' can't be " + done + " while it is used by " + user
                                + ". End that first.");
            });
        }
    }

    Mono<Void> grown(final String volume) {
        return Flux.fromIterable(all).concatMap(use -> use.grown(volume)).then();
    }
}
