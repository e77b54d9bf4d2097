package dev.fusedio.gateway.catalogue;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Which names are taken: by volumes, and by those that are being made and that nobody sees yet. Asked in turn. */
final class VolumeNames {
    private final Map<String, Volume> volumes;
    private final Set<String> reserved = ConcurrentHashMap.newKeySet();

    /** @param volumes all that are there, by name */
    VolumeNames(final Map<String, Volume> volumes) {
        this.volumes = volumes;
    }

    /**
     * Lets a name pass that is free.
     *
     * @throws ProblemException if it is not
     */
    void requireFree(final String name) {
        if (volumes.containsKey(name)) {
            throw VolumeRules.nameTaken(name);
        }
        if (reserved.contains(name)) {
            throw new ProblemException(ProblemType.VOLUME_EXISTS, "A volume '" + name + "' is being made.");
        }
    }

    /** Takes a free name for a volume to come. */
    void reserve(final String name) {
        reserved.add(name);
    }

    /** The volume is there, or will not be. */
    void release(final String name) {
        reserved.remove(name);
    }
}
