package dev.fusedio.gateway.console;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiTest;
import java.util.HashSet;
import java.util.Objects;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;

class ConsoleFilesTest extends ApiTest {
    private static final Pattern REFERENCE = Pattern.compile("(?:src|href)=\"(/[^\"]+)\"|from '\\./([^']+)'");

    @Test
    void thePageAndAllThatItNeedsAreServedAndNothingElse() {
        final Set<String> files = new HashSet<>(Set.of("/"));
        follow("/", files);

        assertThat(files)
                .contains("/", "/console/main.js", "/console/api.js", "/console/console.css", "/console/favicon.svg");
        http.get().uri("/console/none.js").exchange().expectStatus().isNotFound();
        http.get()
                .uri("/console/..%2fapplication.yaml")
                .exchange()
                .expectStatus()
                .isNotFound();
        http.get().uri("/application.yaml").exchange().expectStatus().isNotFound();
        http.post().uri("/").exchange().expectStatus().is4xxClientError();
    }

    @Test
    void nothingIsInlineAndNothingComesFromElsewhere() {
        http.get()
                .uri("/")
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .contentTypeCompatibleWith(MediaType.TEXT_HTML)
                .expectHeader()
                .value(
                        "Content-Security-Policy",
                        policy -> assertThat(policy)
                                .contains(
                                        "default-src 'none'",
                                        "script-src 'self'",
                                        "style-src 'self'",
                                        "frame-ancestors 'none'")
                                .doesNotContain("unsafe"))
                .expectHeader()
                .valueEquals("X-Content-Type-Options", "nosniff")
                .expectHeader()
                .valueEquals("Referrer-Policy", "no-referrer")
                .expectBody(String.class)
                .value(page -> assertThat(page)
                        .doesNotContain("<style")
                        .doesNotContain("style=")
                        .doesNotContainPattern("<script(?![^>]*src=\"/)")
                        .doesNotContainPattern("\\son[a-z]+="));
    }

    @Test
    void whatABrowserKeptIsAskedForAgainAndIsTheSameUntilTheContentChanges() {
        final HttpHeaders headers = http.get()
                .uri("/console/main.js")
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .cacheControl(CacheControl.noCache())
                .expectHeader()
                .doesNotExist(HttpHeaders.LAST_MODIFIED)
                .returnResult(Void.class)
                .getResponseHeaders();
        final String etag = Objects.requireNonNull(headers.getETag());

        http.get()
                .uri("/console/main.js")
                .header(HttpHeaders.IF_NONE_MATCH, etag)
                .exchange()
                .expectStatus()
                .isNotModified()
                .expectHeader()
                .cacheControl(CacheControl.noCache())
                .expectBody()
                .isEmpty();
        http.get()
                .uri("/console/main.js")
                .header(HttpHeaders.IF_NONE_MATCH, "\"of another version\"")
                .exchange()
                .expectStatus()
                .isOk();
        http.head()
                .uri("/console/main.js")
                .exchange()
                .expectStatus()
                .isOk()
                .expectHeader()
                .valueEquals(HttpHeaders.ETAG, etag)
                .expectBody()
                .isEmpty();
    }

    /** Reads a file, and those that it names, into {@code seen}. */
    private void follow(final String path, final Set<String> seen) {
        final String text = http.get()
                .uri(path)
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody();
        REFERENCE
                .matcher(Objects.requireNonNull(text))
                .results()
                .map(ConsoleFilesTest::target)
                .filter(target -> !target.startsWith("/swagger-ui"))
                .filter(seen::add)
                .forEach(target -> follow(target, seen));
    }

    private static String target(final MatchResult reference) {
        return reference.group(1) == null ? "/console/" + reference.group(2) : reference.group(1);
    }
}
