package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.web.ProblemException;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class VolumeLabelsTest {
    @ParameterizedTest
    @ValueSource(strings = {"a", "tier", "Tier_1.x-y", "example.com/tier", "a-b.c/x", "0"})
    void takesKeys(final String key) {
        assertThat(VolumeLabels.refusalOfKey(key)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "-a",
                "a-",
                ".",
                "a b",
                "ä",
                "/a",
                "a/",
                "a/b/c",
                "Example.com/a",
                "a..b/c",
                "-a/b",
                "a=b",
                "a,b"
            })
    void refusesKeys(final String key) {
        assertThat(VolumeLabels.refusalOfKey(key)).isPresent();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "gold", "1.2.3", "A_b-c"})
    void takesValues(final String value) {
        assertThat(VolumeLabels.refusalOfValue(value)).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(strings = {"-", "a ", "a/b", "ü", "a=b", "\u0000"})
    void refusesValues(final String value) {
        assertThat(VolumeLabels.refusalOfValue(value)).isPresent();
    }

    @Test
    void lengthsAreBounded() {
        assertThat(VolumeLabels.refusalOfKey("a".repeat(63))).isEmpty();
        assertThat(VolumeLabels.refusalOfKey("a".repeat(64))).isPresent();
        assertThat(VolumeLabels.refusalOfValue("a".repeat(63))).isEmpty();
        assertThat(VolumeLabels.refusalOfValue("a".repeat(64))).isPresent();
        assertThat(VolumeLabels.refusalOfKey("a".repeat(253) + "/a")).isEmpty();
        assertThat(VolumeLabels.refusalOfKey("a".repeat(254) + "/a")).isPresent();
        assertThat(VolumeLabels.refusalOfKey("a".repeat(100_000))).isPresent();
        assertThat(VolumeLabels.refusalOfKey("a.".repeat(100_000) + "/a")).isPresent();
    }

    @Test
    void aChangeReplacesAddsAndRemoves() {
        final Map<String, String> change = new TreeMap<>();
        change.put("b", "2");
        change.put("c", null);
        change.put("d", null);
        change.put("e", "");
        assertThat(VolumeLabels.merged(Map.of("a", "1", "b", "1", "c", "1"), change))
                .isEqualTo(Map.of("a", "1", "b", "2", "e", ""));
    }

    @Test
    void filtersByValueOrByKey() {
        final Map<String, String> labels = Map.of("tier", "gold", "empty", "");
        assertThat(admits(labels, "tier=gold")).isTrue();
        assertThat(admits(labels, "tier=silver")).isFalse();
        assertThat(admits(labels, "tier")).isTrue();
        assertThat(admits(labels, "tier=")).isFalse();
        assertThat(admits(labels, "empty=")).isTrue();
        assertThat(admits(labels, "none")).isFalse();
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> admits(labels, "=gold"));
        assertThatExceptionOfType(ProblemException.class).isThrownBy(() -> admits(labels, "tier=a b"));
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> LabelFilter.parse(Collections.nCopies(17, "a")));
    }

    private static boolean admits(final Map<String, String> labels, final String filter) {
        return LabelFilter.parse(List.of(filter)).getFirst().admits(labels);
    }
}
