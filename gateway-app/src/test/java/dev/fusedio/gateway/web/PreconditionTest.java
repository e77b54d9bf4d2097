package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.NullSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreconditionTest {
    @ParameterizedTest
    @ValueSource(strings = {"*", " * ", "\"7\"", "\"1\", \"7\"", "\"1\",\"7\",\"9\"", "W/\"7\", \"7\""})
    void letsThoseRevisionsPassThatAreMeant(final String header) {
        assertThatCode(() -> Precondition.required(header).require("\"7\"", "It"))
                .doesNotThrowAnyException();
    }

    @ParameterizedTest
    @ValueSource(strings = {"\"8\"", "W/\"7\"", "7", "nonsense", "\"7", "\"1\" \"7\"", "**", ","})
    void refusesAllOthers(final String header) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.required(header).require("\"7\"", "It"))
                .satisfies(problem -> assertThat(problem.type()).isEqualTo(ProblemType.REVISION_MISMATCH))
                .withMessageContaining("It is at revision \"7\"");
    }

    @ParameterizedTest
    @NullSource
    @ValueSource(strings = {"", " "})
    void mustBeThere(final String header) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.required(header))
                .satisfies(problem -> assertThat(problem.type()).isEqualTo(ProblemType.PRECONDITION_REQUIRED));
    }

    @Test
    void whatHasNoRevisionIsMeantByAnyOnly() {
        assertThatCode(() -> Precondition.any().require(null, "It")).doesNotThrowAnyException();
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.required("\"7\"").require(null, "It"))
                .withMessageContaining("no revision");
    }

    @Test
    void aLongHeaderIsNotRepeated() {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(() -> Precondition.required("x".repeat(5000)).require("\"7\"", "It"))
                .satisfies(problem -> assertThat(problem.getMessage()).hasSizeLessThan(200));
    }
}
