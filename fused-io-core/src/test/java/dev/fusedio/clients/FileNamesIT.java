package dev.fusedio.clients;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Names of files are bytes, names of exports UTF-8, in every locale. The names here are printf's escapes, which a shell
 * turns into bytes: what this JVM could pass on depends on its own locale.
 */
class FileNamesIT {
    private static final int USAGE = 2;
    private static final Duration LIMIT = Duration.ofSeconds(20);

    /** "диск.img" in UTF-8. */
    private static final String CYRILLIC = "\\320\\264\\320\\270\\321\\201\\320\\272.img";

    private static final String CYRILLIC_IN_URI = "%D0%B4%D0%B8%D1%81%D0%BA.img";

    /** "café.img" in Latin-1, which is no UTF-8. */
    private static final String LATIN = "caf\\351.img";

    private static final String MAKE_AND_RUN = """
            truncate -s 1M "$(printf "$0")"
            words=()
            for word; do words+=("$(printf -- "$word")"); done
            exec "${words[@]}"
            """;

    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"C", "POSIX", "C.UTF-8"})
    @DisplayName("fault 22: a file's UTF-8 name is its export's name")
    void nameInUtf8(final String locale) throws IOException {
        try (ServeProcess serve = serve(locale, CYRILLIC, CYRILLIC)) {
            assertThat(serve.banner()).contains("диск.img");
            assertThat(size(serve, CYRILLIC_IN_URI)).isEqualTo("1048576\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "C.UTF-8"})
    @DisplayName("fault 22: a file whose name is no UTF-8 is served under a name that is")
    void nameInOtherBytes(final String locale) throws IOException {
        try (ServeProcess serve = serve(locale, LATIN, LATIN, "--export", CYRILLIC)) {
            assertThat(serve.banner()).contains("caf\\xe9.img");
            assertThat(size(serve, CYRILLIC_IN_URI)).isEqualTo("1048576\n");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"C", "C.UTF-8"})
    @DisplayName("fault 22: a name that an export can't have is refused with the way out")
    void nameThatNoExportCanHave(final String locale) {
        assertThat(refused(locale, LATIN, LATIN).err())
                .contains("caf\\xe9.img", "UTF-8", "--export")
                .doesNotContain("Exception");
        assertThat(refused(locale, "a.img", "a.img", "--export", LATIN).err())
                .contains("--export", "caf\\xe9.img", "UTF-8")
                .doesNotContain("Exception");
    }

    @Test
    @DisplayName("fault 22: a file that is not there is named as it was")
    void absentFile() {
        final Tool.Run run =
                bash("C").run(folder, LIMIT, arguments("a.img", "no" + LATIN).toArray());
        assertThat(run.err()).contains("nocaf\\xe9.img", "o such file").doesNotContain("Exception");
        assertThat(run.status()).isEqualTo(1);
    }

    private Tool.Run refused(final String locale, final String file, final String... words) {
        return bash(locale).run(folder, LIMIT, arguments(file, words).toArray()).failedWith(USAGE);
    }

    private ServeProcess serve(final String locale, final String file, final String... words) throws IOException {
        return ServeProcess.startWith(
                bash(locale), folder, arguments(file, words).toArray());
    }

    private static Tool bash(final String locale) {
        return Tool.require("bash", "bash").with("LC_ALL", locale);
    }

    private static List<Object> arguments(final String file, final String... words) {
        final List<Object> all = new ArrayList<>(
                List.of("-c", MAKE_AND_RUN, file, ServeProcess.java().program()));
        all.addAll(ServeProcess.mainArguments());
        all.addAll(List.of("serve", "--nbd-port=0"));
        all.addAll(List.of((Object[]) words));
        return all;
    }

    private static String size(final ServeProcess serve, final String export) {
        return Tool.require("nbdinfo", "libnbd-bin")
                .run("--size", serve.uri() + export)
                .succeeded()
                .out();
    }
}
