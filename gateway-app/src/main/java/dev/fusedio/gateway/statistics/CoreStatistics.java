package dev.fusedio.gateway.statistics;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.engine.LoopCounters;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a core loop does, as the API shows it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "CoreStatistics", description = "What a core loop does.")
record CoreStatistics(
        @Schema(description = "The processor.") int core,
        @Schema(description = "Processor time used.") long busyNanos,
        @Schema(description = "Requests answered.") long requests,
        @Schema(description = "Calls of io_uring_enter.") long enters,

        @Schema(description = "Times the completion queue overflowed.")
        long overflows,

        @Schema(description = "Payload that the process did not copy.")
        long bytesBorrowed,

        @Schema(description = "Payload that the process copied.")
        long bytesCopied,

        @Schema(description = "Request memory on lease.") long leasedBytes,

        @Schema(description = "Request memory that can be leased.")
        long slabBytes,

        @Schema(description = "Absent in the first sample.") @Nullable CoreRates lastSecond) {

    static List<CoreStatistics> of(final Sample sample) {
        final List<LoopCounters> before =
                sample.before() == null ? List.of() : sample.before().loops();
        return sample.now().loops().stream()
                .map(now -> of(
                        now,
                        before.stream()
                                .filter(past -> past.core() == now.core())
                                .findFirst()
                                .map(past -> CoreRates.of(now, past, sample.seconds()))
                                .orElse(null)))
                .toList();
    }

    private static CoreStatistics of(final LoopCounters now, final @Nullable CoreRates rates) {
        return new CoreStatistics(
                now.core(),
                now.busyNanos(),
                now.requests(),
                now.enters(),
                now.overflows(),
                now.borrowedBytes(),
                now.copiedBytes(),
                now.leasedBytes(),
                now.slabBytes(),
                rates);
    }

    /** What there was since the sample before. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    @Schema(name = "CoreRates", description = "What there was since the sample before.")
    record CoreRates(
            @Schema(description = "The share of the time that the loop used its processor, 0 to 1.")
            double busyRatio,

            double requestsPerSecond,

            @Schema(description = "Requests answered for each system call; absent if there was no call.") @Nullable Double requestsPerEnter,

            double borrowedPerSecond,
            double copiedPerSecond) {
        private static final double NANOS_PER_SECOND = 1e9;

        private static CoreRates of(final LoopCounters now, final LoopCounters before, final double seconds) {
            final long requests = Math.max(0, now.requests() - before.requests());
            final long enters = now.enters() - before.enters();
            final double busy = Math.max(0, now.busyNanos() - before.busyNanos()) / NANOS_PER_SECOND / seconds;
            return new CoreRates(
                    Rates.rounded(Math.min(1, busy)),
                    Rates.perSecond(requests, seconds),
                    enters <= 0 ? null : Rates.rounded((double) requests / enters),
                    Rates.perSecond(now.borrowedBytes() - before.borrowedBytes(), seconds),
                    Rates.perSecond(now.copiedBytes() - before.copiedBytes(), seconds));
        }
    }
}
