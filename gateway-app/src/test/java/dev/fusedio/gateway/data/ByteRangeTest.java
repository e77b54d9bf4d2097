package dev.fusedio.gateway.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteRangeTest {
    private static final long SIZE = 10_000;

    @ParameterizedTest
    @CsvSource({
        "bytes=0-499, 0, 500",
        "bytes=500-999, 500, 500",
        "bytes=0-0, 0, 1",
        "bytes=-500, 9500, 500",
        "bytes=9500-, 9500, 500",
        "bytes=-1, 9999, 1",
        "bytes=-99999999999999999999999, 0, 10000",
        "bytes=0-, 0, 10000",
        "bytes=9999-, 9999, 1",
        "bytes=9000-99999999999999999999999, 9000, 1000",
        "BYTES = 0-1, -1, -1",
        "bytes= 0-1 , 0, 2",
        "Bytes=5-9, 5, 5"
    })
    void readsOneRange(final String header, final long first, final long length) throws UnsatisfiableRangeException {
        if (first < 0) {
            assertThat(ByteRange.parse(header, SIZE)).isEmpty();
        } else {
            assertThat(ByteRange.parse(header, SIZE)).contains(new ByteRange(first, length));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=0-1,5-6", "items=0-1", "lines=1-", "bytes", "none", "0-1", ""})
    void ignoresSeveralRangesAndOtherUnits(final String header) throws UnsatisfiableRangeException {
        assertThat(ByteRange.parse(header, SIZE)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bytes=10000-",
                "bytes=10000-10001",
                "bytes=99999999999999999999999-",
                "bytes=5-2",
                "bytes=-0",
                "bytes=-",
                "bytes=",
                "bytes=a-b",
                "bytes=1-b",
                "bytes=--1",
                "bytes=0x0-1",
                "bytes=1 2-3",
                "bytes=١-٢"
            })
    void refusesWhatHasNoByteOfTheVolume(final String header) {
        assertThatExceptionOfType(UnsatisfiableRangeException.class)
                .isThrownBy(() -> ByteRange.parse(header, SIZE))
                .withMessageContaining(header.strip());
    }

    @Test
    void doesNotEchoWhatIsEndless() {
        assertThatExceptionOfType(UnsatisfiableRangeException.class)
                .isThrownBy(() -> ByteRange.parse("bytes=" + "9".repeat(5000) + "-", SIZE))
                .satisfies(failure -> assertThat(failure.getMessage()).hasSizeLessThan(200));
    }

    @ParameterizedTest
    @CsvSource({
        "bytes 0-499/*, 0, 500",
        "bytes 0-499/10000, 0, 500",
        "bytes  0-9999/*, 0, 10000",
        "bytes 9999-9999/*, 9999, 1"
    })
    void readsAContentRange(final String header, final long first, final long length)
            throws UnsatisfiableRangeException {
        assertThat(ByteRange.parseContentRange(header, SIZE)).isEqualTo(new ByteRange(first, length));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "bytes",
                "bytes 0-499",
                "bytes=0-499/*",
                "bytes */10000",
                "bytes 0-/*",
                "bytes -5/*",
                "bytes 5-2/*",
                "bytes a-b/*",
                "items 0-1/*",
                "bytes 0-1/x"
            })
    void refusesWhatIsNoContentRange(final String header) {
        assertThatIllegalArgumentException().isThrownBy(() -> ByteRange.parseContentRange(header, SIZE));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bytes 0-10000/*",
                "bytes 10000-10000/*",
                "bytes 0-499/500",
                "bytes 0-99999999999999999999999/*",
                "bytes 0-1/99999999999999999999999"
            })
    void refusesAContentRangeThatDoesNotFit(final String header) {
        assertThatExceptionOfType(UnsatisfiableRangeException.class)
                .isThrownBy(() -> ByteRange.parseContentRange(header, SIZE));
    }

    @Test
    void aRangeIsAlwaysWithinTheVolume() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        for (int i = 0; i < 50_000; i++) {
            final long size = 1 + (random.nextLong() >>> random.nextInt(1, 63));
            final String header = "bytes=" + number(random, size) + "-" + number(random, size);
            try {
                ByteRange.parse(header, size).ifPresent(range -> {
                    assertThat(range.first())
                            .as("seed %d: %s of %d", seed, header, size)
                            .isNotNegative();
                    assertThat(range.length())
                            .as("seed %d: %s of %d", seed, header, size)
                            .isPositive();
                    assertThat(range.length())
                            .as("seed %d: %s of %d", seed, header, size)
                            .isLessThanOrEqualTo(size - range.first());
                });
            } catch (final UnsatisfiableRangeException e) {
                assertThat(e.getMessage()).isNotBlank();
            }
        }
    }

    private static String number(final Random random, final long size) {
        return switch (random.nextInt(4)) {
            case 0 -> "";
            case 1 -> Long.toString(random.nextLong(size));
            case 2 -> Long.toUnsignedString(random.nextLong());
            default -> Long.toString(size + random.nextInt(-2, 3));
        };
    }
}
