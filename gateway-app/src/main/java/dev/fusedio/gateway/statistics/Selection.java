package dev.fusedio.gateway.statistics;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which volumes somebody wants to see, and how many of what there is.
 *
 * @param volumes names; none means all
 * @param limit the most volumes, and the most attachments: those that did most since the sample before
 */
record Selection(Set<String> volumes, int limit) {
    Selection {
        volumes = Set.copyOf(volumes);
    }

    /** The most active first, and in the order of names where that says nothing. */
    List<VolumeStatistics> volumes(final Sample sample) {
        final Reading before = sample.before();
        final Stream<Ranked<VolumeStatistics.Source>> all = sample.now().volumes().entrySet().stream()
                .filter(entry -> wants(entry.getValue()))
                .map(entry -> {
                    final Reading.OfVolume past =
                            before == null ? null : before.volumes().get(entry.getKey());
                    final Tally grown = Sample.grown(entry.getValue(), past);
                    return new Ranked<>(
                            new VolumeStatistics.Source(entry.getValue(), past, grown),
                            before == null ? 0 : grown.operations(),
                            entry.getValue().name());
                });
        final Map<String, Integer> sessions = sample.now().sessions();
        return first(all)
                .map(source -> VolumeStatistics.of(
                        source,
                        sample.seconds(),
                        sessions.getOrDefault(source.now().name(), 0)))
                .toList();
    }

    /** How many volumes there are of those that are wanted, whatever the limit. */
    int count(final Reading reading) {
        return (int) reading.volumes().values().stream().filter(this::wants).count();
    }

    /** Ranked as volumes are. */
    List<AttachmentStatistics> attachments(final Sample sample) {
        final Collection<Reading.OfAttachment> before =
                sample.before() == null ? List.of() : sample.before().attachments();
        final Map<Object, Reading.OfAttachment> past =
                before.stream().collect(Collectors.toMap(Reading.OfAttachment::device, each -> each));
        return first(sample.now().attachments().stream()
                        .map(now -> AttachmentStatistics.of(now, past.get(now.device()), sample.seconds()))
                        .map(view -> new Ranked<>(
                                view,
                                view.lastSecond() == null
                                        ? 0
                                        : view.lastSecond().requestsPerSecond(),
                                view.device())))
                .toList();
    }

    private boolean wants(final Reading.OfVolume volume) {
        return volumes.isEmpty() || volumes.contains(volume.name());
    }

    private <T> Stream<T> first(final Stream<Ranked<T>> all) {
        return all.sorted(Comparator.<Ranked<T>>comparingDouble(Ranked::activity)
                        .reversed()
                        .thenComparing(Ranked::name))
                .limit(limit)
                .map(Ranked::what);
    }

    private record Ranked<T>(T what, double activity, String name) {}
}
