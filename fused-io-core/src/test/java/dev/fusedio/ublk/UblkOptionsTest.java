package dev.fusedio.ublk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.volume.BackendCapabilities;
import org.junit.jupiter.api.Test;

class UblkOptionsTest {
    private static final BackendCapabilities FROM_64K =
            new BackendCapabilities(true, true, true, true, true, true, 65536, false, false, 1, 4096);

    @Test
    void shortRequestsAreCopiedWhereTheStorageSaysSo() {
        assertThat(UblkOptions.defaults().copyBelow(FROM_64K)).isEqualTo(65536);
        assertThat(UblkOptions.defaults().withCopyBelow(1 << 20).copyBelow(FROM_64K))
                .isEqualTo(1 << 20);
    }

    @Test
    void aMechanismThatWasAskedForIsUsedForAll() {
        assertThat(UblkOptions.defaults()
                        .withMechanism(Mechanism.AUTO_REGISTRATION)
                        .copyBelow(FROM_64K))
                .isZero();
    }
}
