package dev.fusedio.gateway.statistics;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One second as the API shows it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@Schema(
        name = "Statistics",
        description =
                "Counters, which only grow while the process runs, and what they grew by since the sample before.")
record StatisticsView(
        @Schema(description = "When the counters were read.")
        Instant at,

        @Schema(
                description = "The time between the sample before and this one, about a second, which 'lastSecond'"
                        + " everywhere is about; 0 in the first sample, which has none.")
        double intervalSeconds,

        Node node,

        @Schema(description = "All volumes together, those left out included; absent in the first sample.") @Nullable Rates lastSecond,

        @Schema(description = "The most active first, then in the order of names.")
        List<VolumeStatistics> volumes,

        @Schema(description = "Of the volumes asked for, how many the limit leaves out.")
        int volumesLeftOut,

        @Schema(description = "Served attachments, ordered and limited like volumes.")
        List<AttachmentStatistics> attachments) {
    StatisticsView {
        volumes = List.copyOf(volumes);
        attachments = List.copyOf(attachments);
    }

    static StatisticsView of(final Sample sample, final Selection selection) {
        final Reading now = sample.now();
        final List<VolumeStatistics> volumes = selection.volumes(sample);
        return new StatisticsView(
                now.at(),
                Rates.rounded(sample.seconds()),
                new Node(
                        now.volumes().size(),
                        now.damaged(),
                        now.sessions().values().stream()
                                .mapToInt(Integer::intValue)
                                .sum(),
                        now.attachments().size(),
                        CoreStatistics.of(sample)),
                total(sample),
                volumes,
                selection.count(now) - volumes.size(),
                selection.attachments(sample));
    }

    private static @Nullable Rates total(final Sample sample) {
        final Reading before = sample.before();
        if (before == null) {
            return null;
        }
        final Tally grown = Tally.sum(sample.now().volumes().entrySet().stream()
                .map(entry -> Sample.grown(entry.getValue(), before.volumes().get(entry.getKey())))
                .toList());
        return Rates.of(grown, sample.seconds());
    }

    /** The process. */
    @Schema(name = "NodeStatistics", description = "The process.")
    record Node(
            @Schema(description = "Volumes that are served.")
            int volumes,

            @Schema(description = "Volumes that are set aside.")
            int damagedVolumes,

            @Schema(description = "NBD sessions in transmission.")
            int sessions,

            @Schema(description = "Attachments that are served.")
            int attachments,

            List<CoreStatistics> cores) {
        Node {
            cores = List.copyOf(cores);
        }
    }
}
