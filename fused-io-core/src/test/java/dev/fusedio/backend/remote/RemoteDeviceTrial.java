package dev.fusedio.backend.remote;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.LoopConfig;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.nbd.client.HeaderKind;
import dev.fusedio.nbd.client.NbdUri;
import dev.fusedio.sys.Affinity;
import dev.fusedio.ublk.UblkDevice;
import dev.fusedio.ublk.UblkOptions;
import dev.fusedio.volume.Volume;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/**
 * Attaches a remote export as a ublk device inside a guest, for the scripts of {@link RemoteGuestIT}: {@code URI
 * CONNECTIONS HEADERS}. Any line on standard input is answered with the counters; its end detaches.
 */
final class RemoteDeviceTrial {
    private RemoteDeviceTrial() {}

    public static void main(final String[] arguments) throws Exception {
        final LoopGroup loops = LoopGroup.start(LoopConfig.of(Affinity.allowed()), e -> {
            System.out.println("defect " + e);
            e.printStackTrace();
        });
        final RemoteOptions options = RemoteOptions.defaults()
                .withConnections(Integer.parseInt(arguments[1]))
                .withHeaders(HeaderKind.valueOf(arguments[2]));
        final RemoteBackend backend = RemoteBackend.connect(NbdUri.parse(arguments[0]), options, loops.loops());
        final Volume volume = new Volume("remote", "", backend, false);
        final UblkOptions ublk = UblkOptions.defaults();
        final UblkDevice device =
                UblkDevice.attach(loops, volume, ublk.withQueues(backend.connectedLoops(), ublk.depth()));
        System.out.println("ready " + device.path() + " " + device.mechanism() + " by " + backend.mechanism());
        final BufferedReader input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        while (input.readLine() != null) {
            System.out.println("status " + backend.status() + " " + device.snapshot());
            for (final CoreLoop loop : loops.loops()) {
                System.out.println("loop " + loop.snapshot());
            }
        }
        device.close();
        volume.close();
        loops.close();
        System.out.println("detached");
    }
}
