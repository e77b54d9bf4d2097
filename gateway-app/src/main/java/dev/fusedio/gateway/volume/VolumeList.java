package dev.fusedio.gateway.volume;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A page of volumes.
 *
 * @param items in the order of names
 * @param nextPageToken what to ask for the next page with; absent in the last
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record VolumeList(
        List<VolumeView> items,

        @Schema(description = "Ask with it for the next page; absent in the last.") @Nullable String nextPageToken) {
    VolumeList {
        items = List.copyOf(items);
    }
}
