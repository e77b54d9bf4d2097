package dev.fusedio.nbd.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.fusedio.nbd.wire.NbdProtocol;
import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Runs the fuzz targets over what is kept of former runs, {@code src/test/resources/dev/fusedio/nbd/server/fuzz}, and over
 * seeds made here. To search for more: see the profile {@code fuzz} of this module.
 */
class FuzzCorpusTest {
    /** What Jazzer calls. */
    @FunctionalInterface
    private interface Target {
        void run(byte[] input) throws Exception;
    }

    @TestFactory
    Stream<DynamicTest> handshake() throws IOException, URISyntaxException {
        return tests("handshake", handshakeSeeds(), HandshakeFuzzer::fuzzerTestOneInput);
    }

    @TestFactory
    Stream<DynamicTest> transmission() throws IOException, URISyntaxException {
        return tests("transmission", transmissionSeeds(), TransmissionFuzzer::fuzzerTestOneInput);
    }

    private static Stream<DynamicTest> tests(final String name, final Map<String, byte[]> seeds, final Target target)
            throws IOException, URISyntaxException {
        final List<DynamicTest> tests = new ArrayList<>();
        seeds.forEach((seed, input) -> tests.add(dynamicTest("seed " + seed, () -> target.run(input))));
        final URL folder = FuzzCorpusTest.class.getResource("fuzz/" + name);
        assertThat(folder).as("the corpus").isNotNull();
        try (Stream<Path> files = Files.list(Path.of(folder.toURI()))) {
            files.sorted()
                    .forEach(file -> tests.add(
                            dynamicTest(file.getFileName().toString(), () -> target.run(Files.readAllBytes(file)))));
        }
        return tests.stream();
    }

    static Map<String, byte[]> handshakeSeeds() {
        final byte[] flags = Wire.bytes().u32(3).toArray();
        final Map<String, byte[]> seeds = new TreeMap<>();
        seeds.put("go", handshake(0, flags, Wire.option(NbdProtocol.OPT_GO, Wire.info("vol", 0, 1, 2, 3))));
        seeds.put("export-name", handshake(1, flags, Wire.option(NbdProtocol.OPT_EXPORT_NAME, (byte) 'v')));
        seeds.put("default-export", handshake(0x80, flags, Wire.option(NbdProtocol.OPT_EXPORT_NAME)));
        seeds.put(
                "everything",
                handshake(
                        0x83,
                        flags,
                        Wire.option(NbdProtocol.OPT_LIST),
                        Wire.option(NbdProtocol.OPT_STARTTLS),
                        Wire.option(NbdProtocol.OPT_STRUCTURED_REPLY),
                        Wire.option(NbdProtocol.OPT_LIST_META_CONTEXT, Wire.contexts("vol", "base:")),
                        Wire.option(NbdProtocol.OPT_SET_META_CONTEXT, Wire.contexts("vol", "base:allocation")),
                        Wire.option(NbdProtocol.OPT_INFO, Wire.info("vol")),
                        Wire.option(NbdProtocol.OPT_EXTENDED_HEADERS),
                        Wire.option(99, new byte[70_000]),
                        Wire.option(NbdProtocol.OPT_ABORT)));
        return seeds;
    }

    private static byte[] handshake(final int first, final byte[]... parts) {
        return Wire.join(new byte[] {(byte) first}, Wire.join(parts));
    }

    static Map<String, byte[]> transmissionSeeds() {
        final Map<String, byte[]> seeds = new TreeMap<>();
        for (int first = 0; first < 6; first++) {
            final int seed = first < 3 ? first : 255 - first; // without and with faults
            final boolean extended = Headers.values()[seed % 3].extended();
            final int payload = extended ? NbdProtocol.CMD_FLAG_PAYLOAD_LEN : 0;
            final Wire all = Wire.bytes().u8(seed);
            all.raw(Wire.request(extended, payload, NbdProtocol.CMD_WRITE, 1, 100, 200))
                    .raw(new byte[200]);
            all.raw(Wire.request(extended, payload, NbdProtocol.CMD_WRITE, 2, 0, 9000))
                    .raw(new byte[9000]);
            for (int type = 0; type < 9; type++) {
                if (type != NbdProtocol.CMD_DISC && type != NbdProtocol.CMD_WRITE) {
                    all.raw(Wire.request(extended, type % 2, type, 10 + type, 0, type == 3 ? 0 : 4096));
                }
            }
            if (extended) {
                all.raw(Wire.request(true, payload, NbdProtocol.CMD_BLOCK_STATUS, 30, 0, 12));
                all.u64(4096).u32(1);
            }
            seeds.put(
                    "requests-" + seed,
                    all.raw(Wire.request(extended, 0, NbdProtocol.CMD_DISC, 0, 0, 0))
                            .toArray());
        }
        return seeds;
    }
}
