package dev.fusedio.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

class GatewayPropertiesTest {
    private final ApplicationContextRunner context = new ApplicationContextRunner().withUserConfiguration(Bound.class);

    @Test
    void everySettingHasADefault() {
        context.run(started -> {
            final GatewayProperties properties = started.getBean(GatewayProperties.class);
            assertThat(properties.pool().path()).isEqualTo(Path.of("data"));
            assertThat(properties.demo().enabled()).isTrue();
            assertThat(properties.demo().size()).isEqualTo(new ByteSize(1L << 30));
            assertThat(properties.engine().cores()).isEmpty();
            assertThat(properties.nbd().address().isLoopbackAddress()).isTrue();
            assertThat(properties.nbd().port()).isEqualTo(10809);
            assertThat(properties.nbd().socket()).isNull();
            assertThat(properties.nbd().limits().handshakeTime()).isEqualTo(Duration.ofSeconds(10));
            assertThat(properties.nbd().limits().payloadAdvertised()).isEqualTo(new ByteSize(32 << 20));
            assertThat(properties.data().chunkSize()).isEqualTo(new ByteSize(256 << 10));
            assertThat(properties.attachments().onStop()).isEqualTo(GatewayProperties.OnStop.KEEP);
        });
    }

    @Test
    void readsSizesTimesAndLists() {
        context.withPropertyValues(
                        "gateway.engine.cores=0,3",
                        "gateway.engine.memory=64MiB",
                        "gateway.nbd.address=::1",
                        "gateway.nbd.limits.idle-time=5m",
                        "gateway.data.chunk-size=131072")
                .run(started -> {
                    final GatewayProperties properties = started.getBean(GatewayProperties.class);
                    assertThat(properties.engine().cores()).containsExactly(0, 3);
                    assertThat(properties.engine().memory()).isEqualTo(new ByteSize(64 << 20));
                    assertThat(properties.nbd().address().getHostAddress()).contains(":");
                    assertThat(properties.nbd().limits().idleTime()).isEqualTo(Duration.ofMinutes(5));
                    assertThat(properties.data().chunkSize()).isEqualTo(new ByteSize(131072));
                });
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "gateway.nbd.port=65536|nbd.port",
                "gateway.nbd.port=-1|nbd.port",
                "gateway.data.chunk-size=1KiB|data.chunkSize",
                "gateway.data.max-transfers=0|data.maxTransfers",
                "gateway.engine.memory=1MiB|engine.memory",
                "gateway.engine.cores=-1|engine.cores",
                "gateway.nbd.limits.options=0|nbd.limits.options",
                "gateway.nbd.limits.handshake-time=1ms|nbd.limits.handshakeTime",
                "gateway.nbd.limits.payload-accepted=1MiB|payloadAcceptedEnough",
                "gateway.pool.max-volume-size=1KiB|pool.maxVolumeSize"
            })
    void refusesWhatIsOutOfRangeAndNamesIt(final String setting, final String field) {
        context.withPropertyValues(setting)
                .run(started -> assertThat(started).getFailure().rootCause().hasMessageContaining(field));
    }

    @ParameterizedTest
    @ValueSource(strings = {"gateway.nbd.prot=1", "gateway.nonsense=1", "gateway.nbd.limits.x.y=1"})
    void refusesWhatItDoesNotKnow(final String setting) {
        context.withPropertyValues(setting)
                .run(started -> assertThat(started)
                        .getFailure()
                        .hasRootCauseInstanceOf(
                                org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException
                                        .class)
                        .hasStackTraceContaining(setting.substring(0, setting.indexOf('='))));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "gateway.nbd.port=x",
                "gateway.data.chunk-size=3XB",
                "gateway.attachments.on-stop=run",
                "gateway.nbd.lookup-timeout=soon"
            })
    void refusesWhatItCannotRead(final String setting) {
        context.withPropertyValues(setting)
                .run(started -> assertThat(started).getFailure().hasCauseInstanceOf(BindException.class));
    }

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(GatewayProperties.class)
    @Import(ByteSizeConverter.class)
    static class Bound {}
}
