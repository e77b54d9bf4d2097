package dev.fusedio.nbd.server;

import dev.fusedio.volume.Volume;
import java.util.List;
import java.util.function.Consumer;

/**
 * Where a handshake asks for exports: the port to the control plane. Both methods are called on a core loop's thread and
 * must not block; they answer exactly once, soon, on any thread. A handshake's time limit runs meanwhile.
 */
public interface ExportDirectory {
    /**
     * Looks an export up.
     *
     * @param name as the client gave it; empty for the default export
     * @param peer who asks, as in {@link SessionSnapshot#peer}
     */
    void find(String name, String peer, Consumer<Answer> reply);

    /** Lists what the peer may see. */
    void list(String peer, Consumer<List<Listing>> reply);

    /** What became of a look-up. */
    sealed interface Answer {
        /** @param volume open, and open for as long as it has sessions */
        record Found(Volume volume) implements Answer {}

        /** There is no such export. */
        record Unknown() implements Answer {}

        /**
         * The export may not be had.
         *
         * @param reason told to the client
         */
        record Refused(String reason) implements Answer {}
    }

    /** One line of a list. */
    record Listing(String name, String description) {}

    /** A fixed set of volumes, under their names; the first one answers to the empty name as well. */
    static ExportDirectory of(final Volume... volumes) {
        final List<Volume> all = List.of(volumes);
        return new ExportDirectory() {
            @Override
            public void find(final String name, final String peer, final Consumer<Answer> reply) {
                for (final Volume volume : all) {
                    if (name.isEmpty() || volume.name().equals(name)) {
                        reply.accept(new Answer.Found(volume));
                        return;
                    }
                }
                reply.accept(new Answer.Unknown());
            }

            @Override
            public void list(final String peer, final Consumer<List<Listing>> reply) {
                reply.accept(all.stream()
                        .map(volume -> new Listing(volume.name(), volume.description()))
                        .toList());
            }
        };
    }
}
