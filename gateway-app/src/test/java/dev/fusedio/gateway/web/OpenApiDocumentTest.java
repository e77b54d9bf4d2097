package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.ApiDocument;
import dev.fusedio.gateway.ApiTest;
import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;

/** What the API is, is looked at when it changes: the committed description is the one that is served. */
class OpenApiDocumentTest extends ApiTest {
    private static final String UPDATE = "openapi.update";

    @Test
    void theCommittedDescriptionIsTheOneThatIsServed() throws IOException {
        final String served = ApiDocument.canonical(http.mutate()
                .codecs(codecs -> codecs.defaultCodecs().maxInMemorySize(4 << 20))
                .build()
                .get()
                .uri("/v3/api-docs")
                .exchange()
                .expectStatus()
                .isOk()
                .expectBody(String.class)
                .returnResult()
                .getResponseBody());
        if (Boolean.getBoolean(UPDATE)) {
            Files.writeString(ApiDocument.FILE, served);
        }
        assertThat(ApiDocument.committed()).as("""
                        docs/openapi.json is not what /v3/api-docs answers. If the change of the API is meant, write it anew \
                        and commit it:
                        ./mvnw -pl gateway-app -am -Dtest=OpenApiDocumentTest -Dsurefire.failIfNoSpecifiedTests=false \
                        -D%s=true test""", UPDATE).isEqualTo(served);
    }
}
