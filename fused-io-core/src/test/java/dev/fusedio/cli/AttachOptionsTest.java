package dev.fusedio.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fusedio.ublk.Mechanism;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AttachOptionsTest {
    @Test
    void aFileHasOneSpelling() throws Exception {
        final AttachOptions options = AttachOptions.parse(List.of("some/../disk.img"));
        assertThat(options.uri()).isNull();
        assertThat(options.source())
                .isEqualTo(Path.of("disk.img").toAbsolutePath().toString());
        assertThat(options.device().mechanism()).isEmpty();
        assertThat(options.keep()).isFalse();
    }

    @Test
    void anExportAndAllOptions() throws Exception {
        final AttachOptions options = AttachOptions.parse(List.of(
                "nbd://192.0.2.7:1234/data",
                "--connections=4",
                "--timeout=90",
                "--queues",
                "2",
                "--depth=64",
                "--device",
                "7",
                "--read-only",
                "--mechanism=user-copy",
                "--keep"));
        assertThat(options.uri()).hasToString("nbd://192.0.2.7:1234/data");
        assertThat(options.remote().connections()).isEqualTo(4);
        assertThat(options.remote().requestTime()).hasSeconds(90);
        assertThat(options.remote().reconnectTime()).hasSeconds(90);
        assertThat(options.remote().readOnly()).isTrue();
        assertThat(options.device().queues()).isEqualTo(2);
        assertThat(options.device().depth()).isEqualTo(64);
        assertThat(options.device().id()).isEqualTo(7);
        assertThat(options.device().readOnly()).isTrue();
        assertThat(options.device().mechanism()).contains(Mechanism.USER_COPY);
        assertThat(options.keep()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "|SOURCE is missing",
                "a b|one SOURCE only",
                "a --queues|a value is missing",
                "a --queues=0|1 to 4096",
                "a --queues=x|a number is needed",
                "a --depth=4097|1 to 4096",
                "a --connections=65|1 to 64",
                "a --timeout=0|1 to 86400",
                "a --device=-1|a number is needed",
                "a --keep=yes|takes no value",
                "a --mechanism=magic|auto-registration",
                "a --fast|unknown option --fast",
                "http://example.org/x|nbd",
                "nbds://example.org/x|TLS"
            })
    void saysWhatIsWrong(final String line, final String message) {
        final List<String> arguments = line == null ? List.of() : List.of(line.split(" "));
        assertThatThrownBy(() -> AttachOptions.parse(arguments))
                .isInstanceOf(UsageException.class)
                .hasMessageContaining(message);
    }

    @Test
    @DisplayName("fault 17: without locks, direct writes of a killed server are waited for only where pages are lent")
    void directWritesOfAKilledServer() throws Exception {
        assertThat(waits("disk.img")).isTrue();
        assertThat(waits("disk.img", "--mechanism", "user-copy")).isTrue();
        assertThat(waits("disk.img", "--direct")).isFalse();
        assertThat(waits("disk.img", "--direct", "--mechanism", "user-copy")).isFalse();
        assertThat(waits("disk.img", "--direct", "--mechanism", "auto-registration"))
                .isTrue();
        assertThat(waits("disk.img", "--direct", "--mechanism", "registration")).isTrue();
    }

    private static boolean waits(final String... words) throws Exception {
        return AttachCommand.waitsForTheKilled(AttachOptions.parse(List.of(words)));
    }
}
