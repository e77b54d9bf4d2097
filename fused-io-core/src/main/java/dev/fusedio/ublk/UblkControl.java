package dev.fusedio.ublk;

import dev.fusedio.ring.CommandRing;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.FileCalls;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * {@code /dev/ublk-control}: devices are made, started, stopped, recovered and removed here. Every call waits for its
 * end: any thread but a loop's, one at a time.
 */
public final class UblkControl implements AutoCloseable {

    /** Bytes for the device's path in front of an answer; UBLK_CMD_GET_DEV_INFO2 wants it there. */
    private static final int PATH_BYTES = 32;

    private static final Path DEVICES = Path.of("/sys/class/ublk-char");
    private static final String DEVICE_NAME = "ublkc";

    private final Arena arena = Arena.ofShared();
    private final Libc libc = new Libc(arena);
    private final long command = arena.allocate(UblkAbi.CTRL_CMD_BYTES, 8).address();
    private final long buffer =
            arena.allocate(UblkAbi.PARAMS_BYTES + PATH_BYTES, 8).address();
    private final int fd;
    private final CommandRing ring;

    private UblkControl() throws IOException {
        final int opened = libc.files().open(UblkAbi.CONTROL_PATH, FileCalls.O_RDWR | FileCalls.O_CLOEXEC, 0);
        if (opened < 0) {
            arena.close();
            throw UblkException.ofOpening(opened);
        }
        fd = opened;
        try {
            ring = new CommandRing();
        } catch (final IOException e) {
            libc.files().close(fd);
            arena.close();
            throw e;
        }
    }

    /** @throws UblkException saying what is missing: the driver, or a privilege */
    public static UblkControl open() throws IOException {
        return new UblkControl();
    }

    // --- devices of any process --------------------------------------------------------------------------------------

    /** All ublk devices of this machine, by number, whoever made them. */
    public List<UblkListing> list() throws IOException {
        final List<Integer> ids = new ArrayList<>();
        if (Files.isDirectory(DEVICES)) {
            try (Stream<Path> entries = Files.list(DEVICES)) {
                entries.map(path -> String.valueOf(path.getFileName()))
                        .filter(name -> name.matches(DEVICE_NAME + "\\d+"))
                        .map(name -> Integer.parseInt(name.substring(DEVICE_NAME.length())))
                        .sorted()
                        .forEach(ids::add);
            }
        }
        final List<UblkListing> devices = new ArrayList<>();
        for (final int id : ids) {
            try {
                devices.add(UblkListing.of(info(id), size(id)));
            } catch (final UblkException e) {
                if (e.errno() != Errno.ENODEV) { // gone since
                    throw e;
                }
            }
        }
        return List.copyOf(devices);
    }

    /** Stops and removes a device, whoever made it. Requests in flight and what is mounted there fail. */
    public void remove(final int id) throws IOException {
        final boolean served = UblkListing.of(info(id), 0).serverAlive();
        stop(id);
        if (served) {
            deleteLater(id); // gone when its server has let go
        } else {
            delete(id);
        }
    }

    private long size(final int id) throws UblkException {
        try {
            return parameters(id).sectors() << UblkAbi.SECTOR_SHIFT;
        } catch (final UblkException e) {
            if (e.errno() == Errno.EINVAL) {
                return 0; // made, and not yet told its parameters
            }
            throw e;
        }
    }

    // --- commands ----------------------------------------------------------------------------------------------------

    /** What the driver can (Linux 6.5). */
    UblkFeatures features() throws UblkException {
        compose(-1, Long.BYTES, 0);
        final int result = call(UblkAbi.U_CMD_GET_FEATURES);
        if (result < 0) {
            throw UblkException.ofCommand("GET_FEATURES", -1, result);
        }
        return new UblkFeatures(Memory.getLong(buffer));
    }

    /** Makes a device; its character device appears. Returns it as the driver made it, flags that it refused cleared. */
    UblkDeviceInfo add(final UblkDeviceInfo wanted) throws UblkException {
        compose(wanted.id(), UblkAbi.DEV_INFO_BYTES, 0);
        wanted.write(buffer);
        check("ADD_DEV", wanted.id(), call(UblkAbi.U_CMD_ADD_DEV));
        return UblkDeviceInfo.read(buffer);
    }

    void setParameters(final int id, final UblkParameters parameters) throws UblkException {
        compose(id, UblkAbi.PARAMS_BYTES, 0);
        parameters.write(buffer);
        check("SET_PARAMS", id, call(UblkAbi.U_CMD_SET_PARAMS));
    }

    UblkParameters parameters(final int id) throws UblkException {
        compose(id, UblkAbi.PARAMS_BYTES, 0);
        Memory.zero(buffer, UblkAbi.PARAMS_BYTES);
        Memory.putInt(buffer + UblkAbi.PARAMS_LEN, UblkAbi.PARAMS_BYTES);
        check("GET_PARAMS", id, call(UblkAbi.U_CMD_GET_PARAMS));
        return UblkParameters.read(buffer);
    }

    UblkDeviceInfo info(final int id) throws UblkException {
        compose(id, PATH_BYTES + UblkAbi.DEV_INFO_BYTES, 0);
        final byte[] path = (UblkAbi.CHAR_PREFIX + id).getBytes(StandardCharsets.US_ASCII);
        Memory.zero(buffer, PATH_BYTES + UblkAbi.DEV_INFO_BYTES);
        Memory.put(buffer, path, 0, path.length);
        Memory.putShort(command + UblkAbi.CTRL_DEV_PATH_LEN, (short) PATH_BYTES);
        check("GET_DEV_INFO2", id, call(UblkAbi.U_CMD_GET_DEV_INFO2));
        return UblkDeviceInfo.read(buffer + PATH_BYTES);
    }

    /** Waits until every tag of every queue has been fetched, then shows the block device. */
    void start(final int id, final long pid) throws UblkException {
        compose(id, 0, pid);
        check("START_DEV", id, call(UblkAbi.U_CMD_START_DEV));
    }

    /** Removes the block device; the server gets its tags back as aborted. What is dirty is written before. */
    void stop(final int id) throws UblkException {
        compose(id, 0, 0);
        check("STOP_DEV", id, call(UblkAbi.U_CMD_STOP_DEV));
    }

    /** As {@link #stop}, but answers EBUSY when the block device is open (Linux 7.0). */
    void tryStop(final int id) throws UblkException {
        compose(id, 0, 0);
        check("TRY_STOP_DEV", id, call(UblkAbi.U_CMD_TRY_STOP_DEV));
    }

    /** Removes a device and waits until nobody has its character device open. */
    void delete(final int id) throws UblkException {
        compose(id, 0, 0);
        check("DEL_DEV", id, call(UblkAbi.U_CMD_DEL_DEV));
    }

    /** Removes a device without waiting (Linux 6.9). */
    void deleteLater(final int id) throws UblkException {
        compose(id, 0, 0);
        check("DEL_DEV_ASYNC", id, call(UblkAbi.U_CMD_DEL_DEV_ASYNC));
    }

    /** A quiesced device gets a new server. Answers EBUSY while the old one has not ended. */
    void startUserRecovery(final int id) throws UblkException {
        compose(id, 0, 0);
        check("START_USER_RECOVERY", id, call(UblkAbi.U_CMD_START_USER_RECOVERY));
    }

    /** Waits until every tag has been fetched, then lets requests through again. */
    void endUserRecovery(final int id, final long pid) throws UblkException {
        compose(id, 0, pid);
        check("END_USER_RECOVERY", id, call(UblkAbi.U_CMD_END_USER_RECOVERY));
    }

    /** Lets requests in flight end and holds new ones back, so that the server may go (Linux 6.16). */
    void quiesce(final int id, final long timeoutMillis) throws UblkException {
        compose(id, 0, timeoutMillis);
        check("QUIESCE_DEV", id, call(UblkAbi.U_CMD_QUIESCE_DEV));
    }

    /** A new size (Linux 6.16). */
    void updateSize(final int id, final long sectors) throws UblkException {
        compose(id, 0, sectors);
        check("UPDATE_SIZE", id, call(UblkAbi.U_CMD_UPDATE_SIZE));
    }

    private void compose(final int id, final int length, final long data) {
        Memory.zero(command, UblkAbi.CTRL_CMD_BYTES);
        Memory.putInt(command + UblkAbi.CTRL_DEV_ID, id);
        Memory.putShort(command + UblkAbi.CTRL_QUEUE_ID, (short) -1);
        Memory.putShort(command + UblkAbi.CTRL_LEN, (short) length);
        Memory.putLong(command + UblkAbi.CTRL_ADDR, length > 0 ? buffer : 0);
        Memory.putLong(command + UblkAbi.CTRL_DATA, data);
    }

    private int call(final int operation) {
        return ring.call(fd, operation, command, UblkAbi.CTRL_CMD_BYTES);
    }

    private static void check(final String name, final int id, final int result) throws UblkException {
        if (result < 0) {
            throw UblkException.ofCommand(name, id, result);
        }
    }

    @Override
    public void close() {
        ring.close();
        libc.files().close(fd);
        arena.close();
    }
}
