package dev.fusedio.gateway.statistics;

import dev.fusedio.gateway.attachment.Attachment;
import dev.fusedio.gateway.attachment.Attachments;
import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.engine.BlockDevice;
import dev.fusedio.gateway.engine.DataPlane;
import dev.fusedio.gateway.engine.NbdSession;
import dev.fusedio.gateway.engine.NbdSessions;
import dev.fusedio.gateway.engine.OpenVolume;
import dev.fusedio.gateway.web.StreamLifetime;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import reactor.core.publisher.Flux;
import reactor.core.scheduler.Schedulers;
import reactor.util.retry.Retry;

/**
 * Reads all counters once a second while somebody looks, and for a while after: what that costs does not grow with
 * those who look. A block request knows nothing of it.
 */
@Component
final class Sampler {
    private static final Logger LOG = LoggerFactory.getLogger(Sampler.class);

    /** How often the counters are read. */
    static final Duration PERIOD = Duration.ofSeconds(1);

    /** Long enough for somebody who asks now and then to find a sample of the last second. */
    private static final Duration LINGER = Duration.ofSeconds(30);

    private final DataPlane dataPlane;
    private final NbdSessions sessions;
    private final Catalogue catalogue;
    private final Attachments attachments;
    private final Clock clock;
    private final StreamLifetime lifetime;
    private final Flux<Sample> samples;

    Sampler(
            final DataPlane dataPlane,
            final NbdSessions sessions,
            final Catalogue catalogue,
            final Attachments attachments,
            final Clock clock,
            final StreamLifetime lifetime) {
        this.dataPlane = dataPlane;
        this.sessions = sessions;
        this.catalogue = catalogue;
        this.attachments = attachments;
        this.clock = clock;
        this.lifetime = lifetime;
        this.samples = Flux.interval(Duration.ZERO, PERIOD, Schedulers.parallel())
                .onBackpressureDrop()
                .filter(tick -> lifetime.isRunning())
                .map(tick -> Sample.first(read()))
                .scan(Sample::next)
                .doOnError(failure -> LOG.warn("the counters could not be read", failure))
                .retryWhen(Retry.fixedDelay(Long.MAX_VALUE, PERIOD))
                // This may neither fail nor end: it would for everybody who comes later as well.
                .replay(1)
                .refCount(1, LINGER);
    }

    /**
     * The last sample at once, then one each second, until the gateway stops. All subscribers get the same ones; who
     * doesn't keep up gets the newest and misses those between.
     */
    Flux<Sample> samples() {
        return lifetime.bound(samples.onBackpressureLatest());
    }

    private Reading read() {
        final Map<OpenVolume, Reading.OfVolume> volumes = new HashMap<>();
        int damaged = 0;
        for (final Volume volume : catalogue.volumes()) {
            switch (volume) {
                case Volume.Available available ->
                    volumes.put(
                            available.open(),
                            Reading.OfVolume.of(
                                    available.name(), available.open().counters()));
                case Volume.Damaged set -> damaged++;
            }
        }
        final Map<String, Integer> counted = new HashMap<>();
        for (final NbdSession session : sessions.sessions()) {
            counted.merge(session.volume(), 1, Integer::sum);
        }
        final List<Reading.OfAttachment> served = new ArrayList<>();
        for (final Attachment attachment : attachments.attachments()) {
            final BlockDevice device = attachment.device();
            if (device != null) {
                served.add(new Reading.OfAttachment(attachment, device, device.status()));
            }
        }
        return new Reading(clock.instant(), System.nanoTime(), volumes, damaged, dataPlane.counters(), counted, served);
    }
}
