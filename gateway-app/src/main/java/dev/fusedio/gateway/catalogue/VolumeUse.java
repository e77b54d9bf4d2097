package dev.fusedio.gateway.catalogue;

import java.util.Optional;
import reactor.core.publisher.Mono;

/** A feature that uses volumes otherwise than by NBD sessions. Asked and told in the volume's turn. */
public interface VolumeUse {
    /** What uses the volume, for people; while something does, it is neither renamed nor removed. */
    Optional<String> useOf(String volume);

    /** The volume has grown. Never fails: what could not follow is told by whoever could not. */
    Mono<Void> grown(String volume);
}
