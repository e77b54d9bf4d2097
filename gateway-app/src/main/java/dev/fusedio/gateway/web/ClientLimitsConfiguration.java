package dev.fusedio.gateway.web;

import dev.fusedio.gateway.config.GatewayProperties;
import io.micrometer.core.instrument.MeterRegistry;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The limits on clients of REST. */
@Configuration(proxyBeanMethods = false)
class ClientLimitsConfiguration {
    @Bean
    ClientLimits restClientLimits(
            final GatewayProperties properties, final RefusedTargets refused, final MeterRegistry meters) {
        return new ClientLimits(properties.http(), refused, meters, "rest");
    }
}
