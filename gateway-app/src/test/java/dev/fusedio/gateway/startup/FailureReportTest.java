package dev.fusedio.gateway.startup;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalyzer;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.boot.web.server.PortInUseException;
import org.springframework.boot.web.server.WebServerException;
import org.springframework.context.annotation.ComponentScan;
import org.springframework.context.annotation.Configuration;

class FailureReportTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "gateway.nbd.port=65536|gateway.nbd.port is '65536'|must be less than or equal to 65535",
                "gateway.nbd.port=x|gateway.nbd.port is 'x'|must be a whole number",
                "gateway.nbd.enabled=perhaps|gateway.nbd.enabled is 'perhaps'|must be true or false",
                "gateway.nbd.lookup-timeout=soon|gateway.nbd.lookup-timeout is 'soon'|a time such as",
                "gateway.data.chunk-size=1KiB|gateway.data.chunk-size is '1KiB'|must be from 64KiB to 1MiB",
                "gateway.data.chunk-size=3XB|gateway.data.chunk-size is '3XB'|'3XB' is no size",
                "gateway.nbd.prot=1|gateway.nbd.prot|no such setting"
            })
    void aWrongSettingIsNamedWithItsValueAndWhatIsAllowed(
            final String setting, final String named, final String allowed) {
        new ApplicationContextRunner()
                .withUserConfiguration(Settings.class)
                .withPropertyValues(setting)
                .run(context -> assertThat(report(new WrongSettingAnalyzer(), context.getStartupFailure()))
                        .contains(named)
                        .contains(allowed)
                        .doesNotContain("\n"));
    }

    @Test
    void aRefusedStartSaysWhatItSaid() {
        assertThat(report(
                        new StartRefusedAnalyzer(),
                        new IllegalStateException(new StartRefusedException("the pool is in use"))))
                .isEqualTo("the pool is in use");
    }

    @Test
    void aPortThatIsTakenIsNamed() {
        assertThat(report(new HttpListenAnalyzer(), new PortInUseException(8080)))
                .contains("port 8080 is in use")
                .contains("server.port");
        assertThat(report(
                        new HttpListenAnalyzer(),
                        new WebServerException(
                                "Unable to start Netty",
                                new IllegalStateException(
                                        "Failed to bind on [192.0.2.1:80]",
                                        new java.io.IOException("Permission denied")))))
                .contains("192.0.2.1:80")
                .contains("Permission denied");
    }

    @Test
    void whatOthersAnalyseIsOneLineToo() {
        assertThat(OneLineFailureReporter.line(new FailureAnalysis("It failed:\n\n    badly\n", "Do this.\n", null)))
                .isEqualTo("It failed: badly Do this.");
    }

    @Test
    void onlyLoopbackIsNotExposed() {
        for (final String loopback : List.of("127.0.0.1", "127.1.2.3", "::1")) {
            assertThat(ExposureWarning.isExposed(InetAddress.ofLiteral(loopback)))
                    .isFalse();
        }
        for (final String beyond : List.of("0.0.0.0", "::", "192.0.2.1", "2001:db8::1")) {
            assertThat(ExposureWarning.isExposed(InetAddress.ofLiteral(beyond))).isTrue();
        }
        assertThat(ExposureWarning.isExposed(null)).isTrue();
    }

    private static String report(final FailureAnalyzer analyzer, final Throwable failure) {
        final FailureAnalysis analysis = analyzer.analyze(failure);
        assertThat(analysis).isNotNull();
        return OneLineFailureReporter.line(analysis);
    }

    @Configuration(proxyBeanMethods = false)
    @EnableConfigurationProperties(GatewayProperties.class)
    @ComponentScan("dev.fusedio.gateway.config")
    static class Settings {}
}
