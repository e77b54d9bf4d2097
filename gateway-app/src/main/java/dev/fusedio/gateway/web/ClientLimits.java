package dev.fusedio.gateway.web;

import dev.fusedio.gateway.config.HttpLimits;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.netty.channel.Channel;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.boot.reactor.netty.NettyReactiveWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import reactor.netty.NettyPipeline;

/** Bounds what clients of one HTTP server can hold: connections, and the time that each keeps one waiting. */
final class ClientLimits implements WebServerFactoryCustomizer<NettyReactiveWebServerFactory> {
    private static final String DEADLINES = "fused.clientDeadlines";
    private static final String TARGETS = "fused.requestTargets";

    private final HttpLimits limits;
    private final RefusedTargets refused;
    private final AtomicInteger connections = new AtomicInteger();
    private final Map<ClientCut, Counter> cuts = new EnumMap<>(ClientCut.class);

    /** @param server whose clients, for the metrics */
    ClientLimits(
            final HttpLimits limits, final RefusedTargets refused, final MeterRegistry meters, final String server) {
        this.limits = limits;
        this.refused = refused;
        Gauge.builder("fused.http.connections", connections, AtomicInteger::get)
                .description("Connections of HTTP clients.")
                .tag("server", server)
                .register(meters);
        for (final ClientCut cut : ClientCut.values()) {
            cuts.put(
                    cut,
                    Counter.builder("fused.http.connections.cut")
                            .description("Connections of HTTP clients that were cut, by the limit that they met.")
                            .tag("server", server)
                            .tag("limit", cut.name().toLowerCase(Locale.ROOT))
                            .register(meters));
        }
    }

    @Override
    public void customize(final NettyReactiveWebServerFactory factory) {
        factory.addServerCustomizers(server -> server.doOnChannelInit((observer, channel, address) -> admit(channel)));
    }

    private void admit(final Channel channel) {
        final int now = connections.incrementAndGet();
        final var _ = channel.closeFuture().addListener(closed -> connections.decrementAndGet());
        if (now > limits.connections()) {
            count(ClientCut.CONNECTIONS);
            final var _ = channel.close();
            return;
        }
        channel.pipeline()
                .addAfter(NettyPipeline.HttpCodec, DEADLINES, new ClientDeadlines(limits, this::count))
                .addAfter(DEADLINES, TARGETS, new RequestTargets(refused));
    }

    private void count(final ClientCut cut) {
        Objects.requireNonNull(cuts.get(cut), "every cut has a counter").increment();
    }
}
