package dev.fusedio.gateway.config;

import java.time.Clock;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The one source of the time of day. */
@Configuration(proxyBeanMethods = false)
class ApplicationClock {
    @Bean
    Clock clock() {
        return Clock.systemUTC();
    }
}
