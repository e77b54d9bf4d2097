package dev.fusedio.gateway.engine;

import dev.fusedio.nbd.server.ExportDirectory;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Lets the NBD server ask the control plane: leaves the core loop at once, and answers in bounded time. */
final class ExportAdapter implements ExportDirectory {
    private static final Logger LOG = LoggerFactory.getLogger(ExportAdapter.class);

    private final ExportSource source;
    private final Duration limit;

    /** @param limit how long an answer may take */
    ExportAdapter(final ExportSource source, final Duration limit) {
        this.source = source;
        this.limit = limit;
    }

    @Override
    public void find(final String name, final String peer, final Consumer<Answer> reply) {
        Mono.defer(() -> source.export(name, peer))
                .subscribeOn(Schedulers.parallel())
                .timeout(
                        limit,
                        Mono.error(() -> new DataPlaneException(
                                "ETIMEDOUT", "the look-up took longer than " + limit.toMillis() + " ms")))
                .ofType(CoreVolume.class)
                .map(Optional::of)
                .defaultIfEmpty(Optional.empty())
                .subscribe(
                        volume -> volume.ifPresentOrElse(
                                found -> found.handOut(reply), () -> reply.accept(new Answer.Unknown())),
                        failure -> reply.accept(new Answer.Refused(reason(name, failure))));
    }

    @Override
    public void list(final String peer, final Consumer<List<Listing>> reply) {
        source.exports(peer)
                .subscribeOn(Schedulers.parallel())
                .map(export -> new Listing(export.name(), export.description()))
                .collectList()
                .timeout(limit)
                .onErrorResume(failure -> {
                    LOG.warn("the exports can't be listed to {}: {}", peer, failure.getMessage());
                    return Mono.just(List.of());
                })
                .subscribe(reply);
    }

    private static String reason(final String name, final Throwable failure) {
        if (failure instanceof DataPlaneException refused) {
            return String.valueOf(refused.getMessage());
        }
        LOG.error("the look-up of export '{}' failed", name, failure);
        return "the look-up failed";
    }
}
