package dev.fusedio.gateway.engine;

import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Who answers an NBD handshake's questions. The data plane asks, bounds the time an answer may take, and refuses the
 * option if it takes longer.
 */
public interface ExportSource {
    /**
     * The volume behind an export name.
     *
     * @param name as the client sent it, perhaps empty (the default export)
     * @param peer the client's address
     * @return the volume, nothing if there is none of that name, or a {@link DataPlaneException} whose message the
     *     client is told
     */
    Mono<OpenVolume> export(String name, String peer);

    /** What may be listed to a client, in the order of names. */
    Flux<ExportEntry> exports(String peer);

    /**
     * One line of a list.
     *
     * @param name the export name
     * @param description for people, perhaps empty
     */
    record ExportEntry(String name, String description) {}
}
