package dev.fusedio.gateway.config;

import java.util.List;
import java.util.Map;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.convert.ApplicationConversionService;

/** Settings for tests that have no application context. */
public final class TestProperties {
    private TestProperties() {}

    /** The defaults, but for {@code settings}. */
    public static GatewayProperties of(final Map<String, Object> settings) {
        final ApplicationConversionService conversion = new ApplicationConversionService();
        conversion.addConverter(new ByteSizeConverter());
        return new Binder(List.of(new MapConfigurationPropertySource(settings)), null, conversion)
                .bindOrCreate("gateway", GatewayProperties.class);
    }
}
