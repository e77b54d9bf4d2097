package dev.fusedio.gateway.statistics;

import com.fasterxml.jackson.annotation.JsonValue;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.function.Supplier;

/**
 * A sample that is chosen and put together when it is written and not before: some dozens of these may wait for a slow
 * client, and so they hold nothing, and nothing old.
 *
 * @param newest gives the newest sample
 * @param selection what is to be shown of it
 */
@Schema(implementation = StatisticsView.class)
record NewestView(Supplier<Sample> newest, Selection selection) {
    @JsonValue
    StatisticsView view() {
        return StatisticsView.of(newest.get(), selection);
    }
}
