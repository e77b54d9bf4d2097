package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeNameTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "0", "demo", "db-01.data_2", "a..b", "a-", "volume.json"})
    void takes(final String name) {
        assertThat(new VolumeName(name)).hasToString(name);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ".",
                "..",
                "../x",
                "x/..",
                "/",
                "/etc/passwd",
                "a/b",
                "a\\b",
                "a\u0000",
                "a\n",
                ".hidden",
                "-rf",
                "_a",
                "A",
                "Ä",
                "a b",
                "a%2fb",
                "~",
                "a:b",
                "ａ"
            })
    void refusesWhatIsATrickOrATrap(final String name) {
        assertThat(VolumeName.isValid(name)).isFalse();
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new VolumeName(name))
                .withMessageContaining("63");
    }

    @Test
    void has63CharactersAtMost() {
        assertThat(VolumeName.isValid("a".repeat(63))).isTrue();
        assertThat(VolumeName.isValid("a".repeat(64))).isFalse();
    }

    @Test
    void whateverItTakesIsAFolderOfThePoolItself() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        final String alphabet = "ab0._-/\\\u0000 A%~:";
        final Path pool = Path.of("/srv/pool");
        for (int i = 0; i < 50_000; i++) {
            final StringBuilder text = new StringBuilder();
            for (int n = random.nextInt(8); n > 0; n--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            final String name = text.toString();
            if (VolumeName.isValid(name)) {
                final Path folder = pool.resolve(name).normalize();
                assertThat(folder.getParent()).as("seed %d: '%s'", seed, name).isEqualTo(pool);
                assertThat(folder.getFileName()).hasToString(name);
            }
        }
    }
}
