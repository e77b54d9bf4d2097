package dev.fusedio.gateway.volume;

import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.engine.NbdSession;
import dev.fusedio.gateway.engine.NbdSessions;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/** Shows volumes. What a file takes up is asked of the file system, which may wait, on threads that may. */
@Component
final class VolumeViews {
    private static final int ASKED_AT_ONCE = 64;

    private final NbdSessions sessions;

    VolumeViews(final NbdSessions sessions) {
        this.sessions = sessions;
    }

    Mono<VolumeView> of(final Volume volume) {
        return of(volume, openedBy());
    }

    /** Many, in their order. */
    Mono<List<VolumeView>> of(final List<Volume> volumes) {
        return Mono.defer(() -> {
            final Map<String, Long> openedBy = openedBy();
            return Flux.fromIterable(volumes)
                    .flatMapSequential(volume -> of(volume, openedBy), ASKED_AT_ONCE)
                    .collectList();
        });
    }

    private static Mono<VolumeView> of(final Volume volume, final Map<String, Long> openedBy) {
        return switch (volume) {
            case Volume.Damaged damaged -> Mono.just(VolumeView.of(damaged));
            case Volume.Available available ->
                available
                        .open()
                        .allocatedBytes()
                        .onErrorReturn(-1L)
                        .map(allocated -> VolumeView.of(
                                available,
                                allocated,
                                openedBy.getOrDefault(available.name(), 0L).intValue()));
        };
    }

    private Map<String, Long> openedBy() {
        return sessions.sessions().stream().collect(Collectors.groupingBy(NbdSession::volume, Collectors.counting()));
    }
}
