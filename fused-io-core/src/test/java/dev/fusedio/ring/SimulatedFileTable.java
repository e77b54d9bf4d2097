package dev.fusedio.ring;

import org.jspecify.annotations.Nullable;

/** A ring's table of registered files. */
final class SimulatedFileTable {
    private final @Nullable SimulatedDescriptor[] places;

    SimulatedFileTable(final int size) {
        places = new SimulatedDescriptor[size];
    }

    /** The index, or -1 when there is no room. */
    int install(final SimulatedDescriptor file) {
        for (int i = 0; i < places.length; i++) {
            if (places[i] == null) {
                places[i] = file;
                file.installed();
                return i;
            }
        }
        return -1;
    }

    void remove(final int index) {
        final SimulatedDescriptor file = places[index];
        if (file == null) {
            throw new AssertionError("place " + index + " of the file table is freed twice");
        }
        places[index] = null;
        file.removed();
    }

    @Nullable SimulatedDescriptor get(final int index) {
        return index >= 0 && index < places.length ? places[index] : null;
    }

    int used() {
        int count = 0;
        for (final SimulatedDescriptor place : places) {
            count += place == null ? 0 : 1;
        }
        return count;
    }
}
