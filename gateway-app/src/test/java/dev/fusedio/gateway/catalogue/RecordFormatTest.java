package dev.fusedio.gateway.catalogue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.engine.BackendType;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecordFormatTest {
    private static final VolumeRecord RECORD = new VolumeRecord(
            1,
            UUID.fromString("dfc05b00-819f-433c-a846-da95c558f1eb"),
            1 << 20,
            BackendType.FILE,
            false,
            true,
            "für Ärger: \"x\"\n",
            Map.of("tier", "gold", "example.com/owner", ""),
            7,
            Instant.parse("2026-01-02T03:04:05.678Z"),
            Instant.parse("2026-02-03T04:05:06Z"));

    private final RecordFormat format = new RecordFormat();

    @Test
    void readsWhatItWrote() throws Exception {
        assertThat(format.read(format.write(RECORD), VolumeRecord.class)).isEqualTo(RECORD);
    }

    @Test
    void readsTheFirstFormForEver() throws Exception {
        final String text = """
                {
                  "schemaVersion" : 1,
                  "id" : "dfc05b00-819f-433c-a846-da95c558f1eb",
                  "size" : 1073741824,
                  "backend" : "file",
                  "readOnly" : false,
                  "directIo" : false,
                  "description" : "made at the first start",
                  "revision" : 1,
                  "createdAt" : "2026-11-22T17:41:56.956274606Z",
                  "updatedAt" : "2026-11-22T17:41:56.956274606Z"
                }
                """;
        final VolumeRecord record = format.read(text.getBytes(StandardCharsets.UTF_8), VolumeRecord.class);
        assertThat(record.size()).isEqualTo(1L << 30);
        assertThat(record.labels()).isEmpty();
        assertThat(new String(format.write(record), StandardCharsets.UTF_8)).isEqualTo(text);
        assertThat(record.createdAt()).isEqualTo(Instant.parse("2026-11-22T17:41:56.956274606Z"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "\"schemaVersion\" : 1|\"schemaVersion\" : 2|newer",
                "\"size\" : 1048576|\"size\" : 1048577|multiple of 512",
                "\"size\" : 1048576|\"size\" : -512|multiple of 512",
                "\"size\" : 1048576|\"size\" : \"1048576\"|coerce",
                "\"size\" : 1048576|\"size\" : null|null",
                "\"size\" : 1048576,|''|size",
                "\"size\" : 1048576|\"size\" : 1048576, \"size\" : 512|Duplicate",
                "\"size\" : 1048576|\"size\" : 1048576, \"colour\" : 1|colour",
                "\"gold\"|\"no spaces\"|a value is",
                "\"tier\"|\"-\"|a key is",
                "\"gold\"|null|null",
                "\"revision\" : 7|\"revision\" : 0|revision",
                "\"file\"|\"tape\"|tape",
                "dfc05b00-|zzz|UUID"
            })
    void refusesWhatItDidNotWrite(final String from, final String to, final String reason) {
        final String text = new String(format.write(RECORD), StandardCharsets.UTF_8);
        assertThat(text).contains(from);
        final byte[] damaged = text.replace(from, to).getBytes(StandardCharsets.UTF_8);
        assertThatExceptionOfType(DamagedRecordException.class)
                .isThrownBy(() -> format.read(damaged, VolumeRecord.class))
                .withMessageContaining(reason);
    }

    @Test
    void neverLetsAnythingElseThroughWhateverHappenedToTheFile() {
        final long seed = System.nanoTime();
        final Random random = new Random(seed);
        final byte[] sound = format.write(RECORD);
        for (int i = 0; i < 5_000; i++) {
            byte[] bytes = sound.clone();
            if (random.nextBoolean()) {
                bytes = java.util.Arrays.copyOf(bytes, random.nextInt(bytes.length - 2)); // cut short
            } else {
                for (int n = random.nextInt(1, 4); n > 0; n--) {
                    bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
                }
            }
            try {
                assertThat(format.read(bytes, VolumeRecord.class).size() % 512)
                        .as("seed %d", seed)
                        .isZero();
            } catch (final DamagedRecordException expected) {
                assertThat(expected.getMessage()).as("seed %d", seed).isNotBlank();
            }
        }
    }
}
