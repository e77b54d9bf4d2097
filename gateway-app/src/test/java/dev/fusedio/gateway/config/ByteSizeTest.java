package dev.fusedio.gateway.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1073741824, 1073741824",
        "10GiB, 10737418240",
        "10 GiB, 10737418240",
        "10gib, 10737418240",
        "1.5TiB, 1649267441664",
        "512B, 512",
        "1KiB, 1024",
        "1KB, 1000",
        "2GB, 2000000000",
        "1PiB, 1125899906842624",
        "9223372036854775807, 9223372036854775807"
    })
    void readsBytesAndUnits(final String text, final long bytes) {
        assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", " ", "10G", "10g", "GiB", "-1", "-1GiB", "1e9", "0x10", "1,5GiB", "10 Gi B", "١٠", "10XiB"})
    void refusesWhatTwoToolsReadDifferentlyAndSaysWhatIsAllowed(final String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ByteSize.parse(text))
                .withMessageContaining("GiB")
                .withMessageContaining("'" + text + "'");
    }

    @ParameterizedTest
    @ValueSource(strings = {"0.5B", "8192PiB", "9223372036854775808", "9999999999999999999PiB", "0.0001KiB"})
    void refusesWhatIsNoWholeNumberOfBytesBelow8EiB(final String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> ByteSize.parse(text))
                .withMessageContaining("2^63");
    }

    @Test
    void refusesNegative() {
        assertThatIllegalArgumentException().isThrownBy(() -> new ByteSize(-1));
    }

    @Test
    void printsWhatItReads() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            final ByteSize size =
                    new ByteSize(random.nextLong() >>> random.nextInt(1, 64) << random.nextInt(0, 40) & Long.MAX_VALUE);
            assertThat(ByteSize.parse(size.toString()))
                    .as("seed %d: %s", seed, size)
                    .isEqualTo(size);
        }
        assertThat(new ByteSize(10L << 30)).hasToString("10GiB");
        assertThat(new ByteSize(1000)).hasToString("1000");
        assertThat(new ByteSize(0)).hasToString("0");
    }
}
