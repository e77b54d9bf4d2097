package dev.fusedio.cli;

import dev.fusedio.ublk.UblkControl;
import dev.fusedio.ublk.UblkListing;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;

/** {@code devices} and {@code detach}: the ublk devices that are there, and what becomes of those left behind. */
final class DeviceCommands {
    private static final String DEVICE = "(/dev/ublkb)?([0-9]{1,7})";

    private DeviceCommands() {}

    /** Prints one line for each device. */
    static void list(final List<String> arguments, final PrintStream out) throws IOException, UsageException {
        if (!arguments.isEmpty()) {
            throw new UsageException("devices takes no arguments");
        }
        out.printf("%-16s %16s %-10s %-10s %s%n", "DEVICE", "BYTES", "STATE", "SERVER", "NOTE");
        try (UblkControl control = UblkControl.open()) {
            for (final UblkListing device : control.list()) {
                out.printf(
                        "%-16s %16d %-10s %-10s %s%n",
                        device.path(),
                        device.bytes(),
                        device.state().name().toLowerCase(Locale.ROOT),
                        device.serverAlive() ? Long.toString(device.serverPid()) : "gone",
                        note(device));
            }
        }
    }

    private static String note(final UblkListing device) {
        if (!device.ours()) {
            return "another program's";
        }
        return device.isOrphan() ? "orphaned: attach its source again, or detach it" : "";
    }

    /** Removes a device that nobody serves. */
    static void detach(final List<String> arguments) throws IOException, UsageException {
        if (arguments.size() != 1 || !arguments.getFirst().matches(DEVICE)) {
            throw new UsageException("detach: one device is needed, as 0 or /dev/ublkb0");
        }
        final int id = Integer.parseInt(arguments.getFirst().replaceFirst(DEVICE, "$2"));
        try (UblkControl control = UblkControl.open()) {
            final UblkListing device = control.list().stream()
                    .filter(found -> found.id() == id)
                    .findFirst()
                    .orElseThrow(() -> new IOException("there is no ublk device " + id));
            if (!device.ours()) {
                throw new IOException(device.path() + " is another program's; it is left as it is");
            }
            if (!device.isOrphan()) {
                throw new IOException(device.path() + " is served by process " + device.serverPid()
                        + "; tell that to stop (kill " + device.serverPid() + ") and it removes the device");
            }
            control.remove(id);
        }
    }
}
