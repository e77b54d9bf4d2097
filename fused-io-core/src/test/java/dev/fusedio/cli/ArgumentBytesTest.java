package dev.fusedio.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

class ArgumentBytesTest {
    private static final byte[] LATIN = {'c', 'a', 'f', (byte) 0xE9, '.', 'i', 'm', 'g'};

    @Test
    @DisplayName("fault 22: an argument's bytes are UTF-8, whatever the locale made of them")
    void argumentsAreUtf8() {
        assertThat(ArgumentBytes.ofCommandLine(
                        commandLine("java".getBytes(StandardCharsets.UTF_8), utf8("диск.img"), utf8("😀")),
                        new String[] {"????.img", "????"}))
                .containsExactly("диск.img", "😀");
    }

    @Test
    @DisplayName("fault 22: bytes that are no UTF-8 are kept, and shown as what they are")
    void otherBytesAreKept() {
        final String word = ArgumentBytes.ofCommandLine(commandLine(LATIN), new String[] {"caf\uFFFD.img"})
                .getFirst();
        assertThat(ArgumentBytes.isText(word)).isFalse();
        assertThat(ArgumentBytes.shown(word)).isEqualTo("caf\\xe9.img");
        assertThat(ArgumentBytes.encode(word)).isEqualTo(LATIN);
    }

    @Test
    void fewerWordsThanArgumentsAreNotTrusted() {
        assertThat(ArgumentBytes.ofCommandLine(commandLine(utf8("a")), new String[] {"x", "y"}))
                .isEqualTo(List.of("x", "y"));
        assertThat(ArgumentBytes.ofCommandLine(new byte[0], new String[] {"x"})).containsExactly("x");
    }

    @Test
    @DisplayName("fault 22: any bytes survive")
    void anyBytesSurvive() {
        final SplittableRandom random = new SplittableRandom(22);
        for (int i = 0; i < 5_000; i++) {
            final byte[] bytes = new byte[random.nextInt(12)];
            for (int at = 0; at < bytes.length; at++) {
                bytes[at] = (byte) random.nextInt(1, 256);
            }
            final String word = ArgumentBytes.ofCommandLine(commandLine(bytes), new String[] {""})
                    .getFirst();
            assertThat(ArgumentBytes.encode(word)).as("round %d", i).isEqualTo(bytes);
        }
    }

    private static byte[] utf8(final String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] commandLine(final byte[]... words) {
        final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (final byte[] word : words) {
            bytes.writeBytes(word);
            bytes.write(0);
        }
        return bytes.toByteArray();
    }
}
