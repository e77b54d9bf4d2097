package dev.fusedio.ublk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.BackendCapabilities;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** Numbers that a C compiler gave for include/uapi/linux/ublk_cmd.h, and what is made of a storage's capabilities. */
class UblkAbiTest {
    private static final BackendCapabilities FILE =
            new BackendCapabilities(true, true, true, true, true, true, 0, false, false, 1, 4096);

    /** _IOC() of asm-generic/ioctl.h: 1 for _IOW, 2 for _IOR. */
    private static int ioc(final int direction, final int number, final int bytes) {
        return direction << 30 | bytes << 16 | 'u' << 8 | number;
    }

    @Test
    void commandsAreEncodedAsIoctls() {
        assertThat(UblkAbi.U_CMD_ADD_DEV).isEqualTo(ioc(3, 0x04, 32));
        assertThat(UblkAbi.U_CMD_DEL_DEV).isEqualTo(ioc(3, 0x05, 32));
        assertThat(UblkAbi.U_CMD_START_DEV).isEqualTo(ioc(3, 0x06, 32));
        assertThat(UblkAbi.U_CMD_STOP_DEV).isEqualTo(ioc(3, 0x07, 32));
        assertThat(UblkAbi.U_CMD_SET_PARAMS).isEqualTo(ioc(3, 0x08, 32));
        assertThat(UblkAbi.U_CMD_GET_PARAMS).isEqualTo(ioc(2, 0x09, 32));
        assertThat(UblkAbi.U_CMD_START_USER_RECOVERY).isEqualTo(ioc(3, 0x10, 32));
        assertThat(UblkAbi.U_CMD_END_USER_RECOVERY).isEqualTo(ioc(3, 0x11, 32));
        assertThat(UblkAbi.U_CMD_GET_DEV_INFO2).isEqualTo(ioc(2, 0x12, 32));
        assertThat(UblkAbi.U_CMD_GET_FEATURES).isEqualTo(ioc(2, 0x13, 32));
        assertThat(UblkAbi.U_CMD_DEL_DEV_ASYNC).isEqualTo(ioc(2, 0x14, 32));
        assertThat(UblkAbi.U_CMD_UPDATE_SIZE).isEqualTo(ioc(3, 0x15, 32));
        assertThat(UblkAbi.U_CMD_QUIESCE_DEV).isEqualTo(ioc(3, 0x16, 32));
        assertThat(UblkAbi.U_IO_FETCH_REQ).isEqualTo(ioc(3, 0x20, 16));
        assertThat(UblkAbi.U_IO_COMMIT_AND_FETCH_REQ).isEqualTo(ioc(3, 0x21, 16));
        assertThat(UblkAbi.U_IO_REGISTER_IO_BUF).isEqualTo(ioc(3, 0x23, 16));
        assertThat(UblkAbi.U_IO_UNREGISTER_IO_BUF).isEqualTo(ioc(3, 0x24, 16));
    }

    @Test
    void placesOnTheCharacterDevice() {
        assertThat(UblkAbi.descriptorsOffset(3)).isEqualTo(3 * 98304L);
        assertThat(UblkAbi.descriptorsBytes(128)).isEqualTo(4096);
        assertThat(UblkAbi.descriptorsBytes(171)).isEqualTo(8192);
        assertThat(UblkAbi.userCopyPosition(0, 0, 0)).isEqualTo(0x8000_0000L);
        assertThat(UblkAbi.userCopyPosition(2, 5, 7)).isEqualTo(0x8000_0000L + (2L << 41) + (5L << 25) + 7);
        assertThat(UblkAbi.ioCommand(2, 5, -5)).isEqualTo(2L | 5L << 16 | 0xFFFF_FFFBL << 32);
    }

    @Test
    void deviceInfoIsWrittenAndReadAlike() {
        try (Arena arena = Arena.ofConfined()) {
            final long at = arena.allocate(UblkAbi.DEV_INFO_BYTES, 8).address();
            final UblkOptions options =
                    UblkOptions.defaults().withQueues(4096, 4096).withId(7);
            final UblkDeviceInfo info = UblkDeviceInfo.wanted(options, 4096, UblkAbi.F_USER_COPY, "größe");
            info.write(at);
            assertThat(UblkDeviceInfo.read(at)).isEqualTo(info);
            assertThat(Memory.getShort(at)).isEqualTo((short) 4096);
            assertThat(Memory.getInt(at + 12)).isEqualTo(7);
            assertThat(Memory.getLong(at + 24)).isEqualTo(UblkAbi.F_USER_COPY | 1 << 1 | 1 << 6);
            assertThat(info.isOurs()).isTrue();
            assertThat(info.mark()).isEqualTo(UblkDeviceInfo.markOf("größe")).isNotEqualTo(UblkDeviceInfo.markOf("g"));
            Memory.putLong(at + 32, 0);
            assertThat(UblkDeviceInfo.read(at).isOurs()).isFalse();
        }
    }

    @Test
    void parametersSayWhatTheStorageCan() throws Exception {
        try (Arena arena = Arena.ofConfined()) {
            final MemorySegment memory = arena.allocate(UblkAbi.PARAMS_BYTES, 8);
            final UblkParameters parameters = UblkParameters.of(FILE, (1 << 20) + 700, 1 << 20, false, true);
            parameters.write(memory.address());
            assertThat(UblkParameters.read(memory.address())).isEqualTo(parameters);
            assertThat(memory.get(ValueLayout.JAVA_INT, 0)).isEqualTo(152);
            assertThat(memory.get(ValueLayout.JAVA_INT, 4)).isEqualTo(1 | 2 | 16 | 32);
            assertThat(memory.get(ValueLayout.JAVA_INT, 8))
                    .as("volatile cache, FUA")
                    .isEqualTo(4 | 8);
            assertThat(memory.get(ValueLayout.JAVA_INT, 12))
                    .as("shifts 9, 12, 12, 12")
                    .isEqualTo(0x0C0C0C09);
            assertThat(memory.get(ValueLayout.JAVA_INT, 16)).isEqualTo(2048);
            assertThat(memory.get(ValueLayout.JAVA_LONG, 24))
                    .as("whole sectors")
                    .isEqualTo(2049);
            assertThat(memory.get(ValueLayout.JAVA_INT, 44)).isEqualTo(4096);
            assertThat(memory.get(ValueLayout.JAVA_SHORT, 56)).isEqualTo((short) 1);
            assertThat(memory.get(ValueLayout.JAVA_INT, 108)).isEqualTo(511);
            assertThat(memory.get(ValueLayout.JAVA_SHORT, 132)).isEqualTo((short) 256);
        }
    }

    @Test
    void readOnlyTakesAwayAllThatChanges() throws Exception {
        for (final UblkParameters parameters : new UblkParameters[] {
            UblkParameters.of(FILE, 1 << 20, 1 << 19, true, false),
            UblkParameters.of(FILE.asReadOnly(), 1 << 20, 1 << 19, false, false)
        }) {
            assertThat(parameters.attributes()).isEqualTo(1);
            assertThat(parameters.maxDiscardSectors()).isZero();
            assertThat(parameters.maxWriteZeroesSectors()).isZero();
            assertThat(parameters.dmaAlignment()).as("copied data needs none").isZero();
        }
    }

    @Test
    void blocksOfDirectStorageAreTheDevices() throws Exception {
        final BackendCapabilities direct =
                new BackendCapabilities(false, false, false, true, true, true, 0, false, true, 4096, 65536);
        final UblkParameters parameters = UblkParameters.of(direct, (1 << 20) + 4095, 1 << 19, false, true);
        assertThat(parameters.logicalBlock()).isEqualTo(4096);
        assertThat(parameters.preferredBlock()).isEqualTo(65536);
        assertThat(parameters.dmaAlignment()).isEqualTo(4095);
        assertThat(parameters.sectors()).isEqualTo(2048);
        assertThat(parameters.attributes()).as("rotational, volatile cache").isEqualTo(2 | 4);
        assertThat(parameters.maxDiscardSectors()).isZero();
        assertThat(parameters.maxWriteZeroesSectors()).as("16 MiB, slowly").isEqualTo(32768);
    }

    @Test
    void whatIsNoBlockDeviceIsRefused() {
        final BackendCapabilities large =
                new BackendCapabilities(false, false, false, true, true, true, 0, false, true, 8192, 8192);
        assertThatThrownBy(() -> UblkParameters.of(large, 1 << 20, 1 << 19, false, false))
                .isInstanceOf(UblkException.class)
                .hasMessageContaining("8192");
        assertThatThrownBy(() -> UblkParameters.of(FILE, 4095, 1 << 19, false, false))
                .hasMessageContaining("4095");
        assertThatThrownBy(() -> UblkOptions.defaults().withMaxIoBytes(3 << 18)).hasMessageContaining("power of two");
        assertThatThrownBy(() -> UblkOptions.defaults().withQueues(1, 4097)).hasMessageContaining("depth: 4097");
    }

    @Test
    void errorsSayWhatToDo() {
        assertThat(UblkException.ofOpening(-Errno.ENOENT)).hasMessageContaining("modprobe ublk_drv");
        assertThat(UblkException.ofOpening(-Errno.EACCES)).hasMessageContaining("CAP_SYS_ADMIN");
        assertThat(UblkException.ofOpening(-Errno.ENOENT).isUnavailable()).isTrue();
        assertThat(UblkException.ofCommand("ADD_DEV", 3, -Errno.EEXIST))
                .hasMessageContaining("ADD_DEV on ublk device 3")
                .hasMessageContaining("A device of that number exists");
        assertThat(UblkException.ofCommand("STOP_DEV", 3, -Errno.ENODEV).isUnavailable())
                .isFalse();
    }

    @Test
    void mechanismsAreToldFromADevicesFlags() {
        for (final Mechanism mechanism : Mechanism.values()) {
            assertThat(Mechanism.of(new UblkDeviceInfo(0, 1, 1, 4096, 0, 0, mechanism.flags(), 0)))
                    .isEqualTo(mechanism);
        }
    }
}
