package dev.fusedio.gateway.statistics;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.fusedio.gateway.engine.DeviceStatus;
import io.swagger.v3.oas.annotations.media.Schema;
import org.jspecify.annotations.Nullable;

/** What a served block device does, as the API shows it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(name = "AttachmentStatistics", description = "What a served block device does.")
record AttachmentStatistics(
        @Schema(description = "The attachment's.") String id,
        @Schema(example = "/dev/ublkb0") String device,

        @Schema(description = "Requests fetched and not answered.")
        long inFlight,

        @Schema(description = "Requests answered.") long requests,

        @Schema(description = "Requests answered with an error.")
        long errors,

        @Schema(description = "Payload that never entered this process.")
        long bytesBorrowed,

        @Schema(description = "Payload that this process copied.")
        long bytesCopied,

        @Schema(description = "Absent in the first sample.") @Nullable DeviceRates lastSecond) {

    static AttachmentStatistics of(
            final Reading.OfAttachment now, final Reading.@Nullable OfAttachment before, final double seconds) {
        final DeviceStatus status = now.status();
        return new AttachmentStatistics(
                now.attachment().id(),
                status.device(),
                status.inFlight(),
                status.requests(),
                status.errors(),
                status.bytesBorrowed(),
                status.bytesCopied(),
                seconds == 0 ? null : DeviceRates.of(status, before == null ? null : before.status(), seconds));
    }

    /** What there was since the sample before, for each second. */
    @Schema(name = "DeviceRates", description = "What there was since the sample before, for each second.")
    record DeviceRates(
            double requestsPerSecond, double errorsPerSecond, double borrowedPerSecond, double copiedPerSecond) {
        private static DeviceRates of(
                final DeviceStatus now, final @Nullable DeviceStatus before, final double seconds) {
            return new DeviceRates(
                    Rates.perSecond(now.requests() - (before == null ? 0 : before.requests()), seconds),
                    Rates.perSecond(now.errors() - (before == null ? 0 : before.errors()), seconds),
                    Rates.perSecond(now.bytesBorrowed() - (before == null ? 0 : before.bytesBorrowed()), seconds),
                    Rates.perSecond(now.bytesCopied() - (before == null ? 0 : before.bytesCopied()), seconds));
        }
    }
}
