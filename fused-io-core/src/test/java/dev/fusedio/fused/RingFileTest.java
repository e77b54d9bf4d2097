package dev.fusedio.fused;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.IoUring;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.sys.SystemCallException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RingFileTest {
    private static final int PLACES = 3;

    private static SimulatedLoop loop() throws SystemCallException {
        return new SimulatedLoop(
                1, SimulatedFaults.none(), new SimulatedLoop.Config(64, 256, PLACES, 2 << 20, true, 2, 4096));
    }

    @Test
    void isAddressedByDescriptorOnceTheTableIsFull() throws SystemCallException {
        try (SimulatedLoop fixture = loop()) {
            final SimulatedFile disk = fixture.ring().file(4096);
            final List<RingFile> files = new ArrayList<>();
            for (int i = 0; i < PLACES + 1; i++) {
                files.add(RingFile.install(fixture.loop(), disk.fd()));
            }
            assertThat(files.subList(0, PLACES))
                    .allMatch(file -> file.sqeFlag() == IoUring.SQE_FIXED_FILE && file.fd() < PLACES);
            assertThat(files.getLast()).isEqualTo(new RingFile(disk.fd(), 0));
            for (final RingFile file : files) {
                final RecordingOwner owner = new RecordingOwner();
                final FusedCommand command = new FusedCommand(fixture.loop(), owner);
                command.lease(4096);
                command.read(file, 0, 0, 4096);
                command.finish(0);
                fixture.run();
                assertThat(owner.completions()).containsExactly(0);
                file.remove(fixture.loop());
            }
            assertThat(fixture.ring().installedFiles()).isZero();
            assertThat(RingFile.install(fixture.loop(), disk.fd()).sqeFlag()).isEqualTo(IoUring.SQE_FIXED_FILE);
        }
    }

    @Test
    void operationsInFlightKeepTheirFile() throws SystemCallException {
        try (SimulatedLoop fixture = loop()) {
            final SimulatedFile disk = fixture.ring().file(4096);
            final RingFile file = RingFile.install(fixture.loop(), disk.fd());
            final RecordingOwner owner = new RecordingOwner();
            final FusedCommand command = new FusedCommand(fixture.loop(), owner);
            command.startWithoutBuffer();
            command.dataSync(file);
            fixture.loop().driver().enter(false, 0);
            file.remove(fixture.loop());
            fixture.run();
            assertThat(owner.secondaries()).containsExactly(0);
        }
    }
}
