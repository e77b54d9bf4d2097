package dev.fusedio.gateway.volume;

import java.util.List;

/**
 * A list of volumes.
 *
 * @param items in the order of names
 */
record VolumeList(List<VolumeView> items) {
    VolumeList {
        items = List.copyOf(items);
    }
}
