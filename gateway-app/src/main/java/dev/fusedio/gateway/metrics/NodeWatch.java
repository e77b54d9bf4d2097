package dev.fusedio.gateway.metrics;

import dev.fusedio.gateway.attachment.Attachments;
import dev.fusedio.gateway.catalogue.Catalogue;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.health.actuate.endpoint.HealthDescriptor;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.health.contributor.Status;
import org.springframework.boot.info.SslInfo;
import org.springframework.boot.ssl.SslBundles;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import reactor.core.Disposable;
import reactor.core.Disposables;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/**
 * Asks now and then for what a scrape must not wait for: a file system that hangs, the ublk driver, key stores. Each
 * question has its own time and its own patience, so that one without an answer holds up no other.
 */
@Component
final class NodeWatch implements SmartLifecycle {
    private static final Logger LOG = LoggerFactory.getLogger(NodeWatch.class);
    private static final Duration OFTEN = Duration.ofSeconds(5);
    private static final Duration SELDOM = Duration.ofSeconds(30);
    private static final Duration PATIENCE = Duration.ofSeconds(4);
    private static final String READINESS = "readiness";

    private final Catalogue catalogue;
    private final Attachments attachments;
    private final HealthEndpoint health;
    private final SslInfo certificates;
    private final AtomicReference<NodeFacts> facts = new AtomicReference<>(NodeFacts.UNKNOWN);
    private volatile @Nullable Disposable running;

    NodeWatch(
            final Catalogue catalogue,
            final Attachments attachments,
            final HealthEndpoint health,
            final SslBundles bundles) {
        this.catalogue = catalogue;
        this.attachments = attachments;
        this.health = health;
        this.certificates = new SslInfo(bundles);
    }

    /** As heard last. Any thread; waits for nobody. */
    NodeFacts facts() {
        return facts.get();
    }

    @Override
    public void start() {
        running = Disposables.composite(
                every(OFTEN, "the pool's space", pool(), last -> last.withPool(null)),
                every(OFTEN, "readiness", readiness(), last -> last.withReady(false)),
                every(SELDOM, "orphaned devices", orphans(), last -> last.withOrphans(null)),
                every(SELDOM, "certificates", chains(), last -> last.withCertificates(List.of())));
    }

    @Override
    public void stop() {
        final Disposable stopping = running;
        if (stopping != null) {
            running = null;
            stopping.dispose();
        }
    }

    @Override
    public boolean isRunning() {
        return running != null;
    }

    private Mono<UnaryOperator<NodeFacts>> pool() {
        return catalogue
                .report()
                .map(pool -> last -> last.withPool(new NodeFacts.PoolSpace(pool.totalBytes(), pool.usableBytes())));
    }

    private Mono<UnaryOperator<NodeFacts>> readiness() {
        return elastic(() -> {
            final HealthDescriptor readiness = health.healthForPath(READINESS);
            final boolean up = readiness != null && Status.UP.equals(readiness.getStatus());
            return last -> last.withReady(up);
        });
    }

    private Mono<UnaryOperator<NodeFacts>> orphans() {
        return attachments.orphans().map(found -> last -> last.withOrphans(found.size()));
    }

    private Mono<UnaryOperator<NodeFacts>> chains() {
        return elastic(() -> {
            final List<NodeFacts.Certificate> found = certificates.getBundles().stream()
                    .flatMap(bundle -> bundle.getCertificateChains().stream()
                            .flatMap(chain -> chain.getCertificates().stream()
                                    .map(SslInfo.CertificateInfo::getValidityEnds)
                                    .sorted()
                                    .limit(1)
                                    .map(expiry ->
                                            new NodeFacts.Certificate(bundle.getName(), chain.getAlias(), expiry))))
                    .toList();
            return last -> last.withCertificates(found);
        });
    }

    private Disposable every(
            final Duration period,
            final String what,
            final Mono<UnaryOperator<NodeFacts>> question,
            final UnaryOperator<NodeFacts> unanswered) {
        return Flux.interval(Duration.ZERO, period)
                .onBackpressureDrop()
                .concatMap(
                        round -> question.timeout(PATIENCE).onErrorResume(failure -> {
                            LOG.debug("{}: no answer", what, failure);
                            return Mono.just(unanswered);
                        }),
                        1)
                .subscribe(facts::updateAndGet, failure -> LOG.error("{} will not be watched any more", what, failure));
    }

    private static Mono<UnaryOperator<NodeFacts>> elastic(final Question question) {
        return Mono.fromCallable(question::ask).subscribeOn(Schedulers.boundedElastic());
    }

    /** May wait. */
    @FunctionalInterface
    private interface Question {
        UnaryOperator<NodeFacts> ask();
    }
}
