package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PageTokensTest {
    private static final List<String> ALL =
            IntStream.range(0, 25).mapToObj("item-%02d"::formatted).toList();

    private final PageTokens pages = new PageTokens();

    @Test
    void pagesMakeUpTheList() {
        for (int limit = 1; limit <= ALL.size() + 1; limit++) {
            final List<String> read = new ArrayList<>();
            String token = null;
            do {
                final PageTokens.Page<String> page = cut(ALL, limit, token);
                assertThat(page.items()).hasSizeBetween(1, limit);
                read.addAll(page.items());
                token = page.nextPageToken();
            } while (token != null);
            assertThat(read).isEqualTo(ALL);
        }
    }

    @Test
    void whatComesOrGoesBetweenPagesHidesNothing() {
        final String token = cut(ALL, 10, null).nextPageToken();
        final List<String> changed = new ArrayList<>(ALL);
        changed.remove("item-09");
        changed.remove("item-10");
        changed.add(0, "item-");

        assertThat(cut(changed, 100, token).items()).isEqualTo(ALL.subList(11, 25));
    }

    @Test
    void refusesWhatItDidNotGive() {
        final String token = Objects.requireNonNull(cut(ALL, 10, null).nextPageToken());
        assertRefused("");
        assertRefused("x");
        assertRefused("%%%");
        assertRefused(token.substring(1));
        assertRefused(token + "AAAA");
        assertRefused("A".repeat(100_000));
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> pages.cut(ALL, Function.identity(), 10, token, "another list"));
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> new PageTokens().cut(ALL, Function.identity(), 10, token, "list"));
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        final byte[] bytes = Base64.getUrlDecoder().decode(token);
        for (int i = 0; i < 500; i++) {
            final byte[] damaged = bytes.clone();
            damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            assertRefused(Base64.getUrlEncoder().withoutPadding().encodeToString(damaged));
        }
    }

    private void assertRefused(final String token) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> cut(ALL, 10, token))
                .satisfies(problem -> assertThat(problem.type()).isEqualTo(ProblemType.INVALID_REQUEST))
                .withMessageStartingWith("pageToken: ");
    }

    private PageTokens.Page<String> cut(final List<String> all, final int limit, final String token) {
        return pages.cut(all, Function.identity(), limit, token, "list");
    }
}
