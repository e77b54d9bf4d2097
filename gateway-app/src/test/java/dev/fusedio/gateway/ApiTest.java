package dev.fusedio.gateway;

import dev.fusedio.gateway.attachment.Attachment;
import dev.fusedio.gateway.attachment.Attachments;
import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.Volume;
import dev.fusedio.gateway.catalogue.VolumeName;
import dev.fusedio.gateway.engine.FakeSessions;
import dev.fusedio.gateway.engine.InMemoryBlockDevices;
import dev.fusedio.gateway.engine.InMemoryDataPlane;
import dev.fusedio.gateway.web.Precondition;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.webtestclient.autoconfigure.AutoConfigureWebTestClient;
import org.springframework.http.MediaType;
import org.springframework.test.context.DynamicPropertyRegistry;
import org.springframework.test.context.DynamicPropertySource;
import org.springframework.test.web.reactive.server.WebTestClient;

/** Starts the whole application on a real port with a data plane in memory; all tests below share it. */
@SpringBootTest(
        classes = ApiTestApplication.class,
        webEnvironment = SpringBootTest.WebEnvironment.RANDOM_PORT,
        properties = {"gateway.demo.enabled=false", "gateway.data.max-transfers=2"})
@AutoConfigureWebTestClient
public abstract class ApiTest {
    protected static final Duration PATIENCE = Duration.ofSeconds(30);

    @Autowired
    protected WebTestClient http;

    @Autowired
    protected InMemoryDataPlane dataPlane;

    @Autowired
    protected InMemoryBlockDevices devices;

    @Autowired
    protected Attachments attachments;

    @Autowired
    protected FakeSessions sessions;

    @Autowired
    protected Catalogue catalogue;

    @DynamicPropertySource
    static void pool(final DynamicPropertyRegistry properties) {
        properties.add("gateway.pool.path", ApiTest::newPool);
    }

    @BeforeEach
    void empty() {
        http = http.mutate()
                .responseTimeout(PATIENCE)
                .filter(ApiDocument.onlyDocumentedStatuses())
                .build();
        sessions.reset("127.0.0.1:10809");
        for (final Attachment attachment : attachments.attachments()) {
            http.delete()
                    .uri("/api/v1/attachments/" + attachment.id() + "?force=true")
                    .header("If-Match", "*")
                    .exchange()
                    .expectStatus()
                    .isNoContent();
        }
        devices.reboot();
        for (final Volume volume : catalogue.volumes()) {
            catalogue
                    .delete(new VolumeName(volume.name()), Precondition.any(), true)
                    .block(PATIENCE);
        }
    }

    /** Makes a volume by the API. */
    protected void create(final String json) {
        http.post()
                .uri("/api/v1/volumes")
                .contentType(MediaType.APPLICATION_JSON)
                .bodyValue(json)
                .exchange()
                .expectStatus()
                .isCreated();
    }

    private static Path newPool() {
        try {
            final Path pool = Files.createTempDirectory("pool");
            pool.toFile().deleteOnExit();
            return pool;
        } catch (final IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
