package dev.fusedio.gateway.security;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.fusedio.gateway.config.StartRefusedException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/** The file that keeps what is known of given tokens: {@code tokens.json}. Blocks. */
final class TokenFile {
    private static final String NAME = "tokens.json";
    private static final int SCHEMA_VERSION = 1;

    private final SecretFiles files;
    private final JsonMapper json =
            JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

    TokenFile(final SecretFiles files) {
        this.files = files;
    }

    List<TokenRecord> read() throws IOException {
        final Optional<byte[]> bytes = files.read(NAME);
        if (bytes.isEmpty()) {
            return List.of();
        }
        try {
            final Content content = json.readValue(bytes.get(), Content.class);
            if (content.schemaVersion() != SCHEMA_VERSION) {
                throw new StartRefusedException(files.resolve(NAME) + " has the form " + content.schemaVersion()
                        + ", and this program reads " + SCHEMA_VERSION);
            }
            return List.copyOf(content.tokens());
        } catch (final JacksonException e) {
            throw new StartRefusedException(
                    files.resolve(NAME) + " can't be understood: " + e.getOriginalMessage()
                            + "; mend it, or remove it and give tokens anew",
                    e);
        }
    }

    void write(final List<TokenRecord> tokens) throws IOException {
        files.write(NAME, json.writeValueAsBytes(new Content(SCHEMA_VERSION, tokens)));
    }

    private record Content(
            @JsonProperty(required = true) int schemaVersion,
            @JsonProperty(required = true) List<TokenRecord> tokens) {}
}
