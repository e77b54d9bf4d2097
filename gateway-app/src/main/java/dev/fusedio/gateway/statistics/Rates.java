package dev.fusedio.gateway.statistics;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** What a tally grew by between two samples, for each second. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "Rates", description = "What there was since the sample before, for each second.")
record Rates(
        double operationsPerSecond,
        double bytesPerSecond,
        double errorsPerSecond,

        @Schema(description = "Of these requests; absent if there were none.") @Nullable Latency latency) {
    private static final double HUNDREDTHS = 100;

    static Rates of(final Tally grown, final double seconds) {
        return new Rates(
                perSecond(grown.operations(), seconds),
                perSecond(grown.bytes(), seconds),
                perSecond(grown.errors(), seconds),
                Latency.of(grown));
    }

    static double perSecond(final long grown, final double seconds) {
        return rounded(Math.max(0, grown) / seconds);
    }

    /** To hundredths: more would say what was not measured. */
    static double rounded(final double value) {
        return Math.round(value * HUNDREDTHS) / HUNDREDTHS;
    }
}
