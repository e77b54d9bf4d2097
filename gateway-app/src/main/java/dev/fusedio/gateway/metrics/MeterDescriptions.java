package dev.fusedio.gateway.metrics;

import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.config.MeterFilter;
import java.util.Map;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Help texts for the framework's meters that come without one. */
@Configuration(proxyBeanMethods = false)
class MeterDescriptions {
    private static final Map<String, String> TEXTS = Map.of(
            "http.server.requests", "HTTP requests answered.",
            "http.server.requests.active", "HTTP requests in progress.");

    @Bean
    static MeterFilter helpTexts() {
        return new MeterFilter() {
            @Override
            public Meter.Id map(final Meter.Id id) {
                final String text = TEXTS.get(id.getName());
                return text == null
                        ? id
                        : new Meter.Id(id.getName(), Tags.of(id.getTags()), id.getBaseUnit(), text, id.getType());
            }
        };
    }
}
