package dev.fusedio.gateway;

import dev.fusedio.gateway.engine.FakeSessions;
import dev.fusedio.gateway.engine.InMemoryBlockDevices;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.FilterType;

/** The application on a data plane in memory. */
@SpringBootConfiguration(proxyBeanMethods = false)
@EnableAutoConfiguration
@ConfigurationPropertiesScan("dev.fusedio.gateway")
@ComponentScan(
        basePackages = "dev.fusedio.gateway",
        excludeFilters =
                @ComponentScan.Filter(
                        type = FilterType.REGEX,
                        pattern = {
                            "dev\\.fusedio\\.gateway\\.engine\\..*",
                            "dev\\.fusedio\\.gateway\\.GatewayApplication"
                        }))
public class ApiTestApplication {
    @Bean
    InMemoryDataPlane dataPlane() {
        return new InMemoryDataPlane();
    }

    @Bean
    InMemoryBlockDevices blockDevices() {
        return new InMemoryBlockDevices();
    }

    @Bean
    FakeSessions sessions() {
        return new FakeSessions();
    }
}
