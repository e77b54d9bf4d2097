package dev.fusedio.volume;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BackendCapabilitiesTest {
    private static BackendCapabilities of(final int minimum, final int preferred) {
        return new BackendCapabilities(true, true, true, true, true, true, 0, false, false, minimum, preferred);
    }

    @ParameterizedTest
    @CsvSource({"0,4096", "3,4096", "131072,131072", "-1,4096", "1,256", "1,0", "1,5000", "4096,512", "1,-4096"})
    void blockSizesAreWhatTheProtocolAllows(final int minimum, final int preferred) {
        assertThatIllegalArgumentException().isThrownBy(() -> of(minimum, preferred));
    }

    @ParameterizedTest
    @CsvSource({"1,512", "512,512", "4096,4096", "65536,65536", "1,1048576"})
    void usualBlockSizesAreTaken(final int minimum, final int preferred) {
        assertThat(of(minimum, preferred).minimumBlock()).isEqualTo(minimum);
    }

    @Test
    void readOnlyTakesTheRightToChangeAway() {
        final BackendCapabilities readOnly = of(1, 4096).asReadOnly();
        assertThat(readOnly.readOnly()).isTrue();
        assertThat(readOnly.canTrim()).isFalse();
        assertThat(readOnly.canFastZero()).isFalse();
        assertThat(readOnly.canExtents()).isTrue();
        assertThat(readOnly.canMultiConnect()).isTrue();
    }
}
