package dev.fusedio.gateway.catalogue;

import java.nio.charset.StandardCharsets;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Records as JSON. Strict in reading: a field that is missing, unknown or twice there means that something other than
 * this program wrote the record, and then guessing is how data gets lost. Only a field that is not marked as required may
 * be missing: records of older programs have none of what was added since.
 */
final class RecordFormat {
    private final JsonMapper json = JsonMapper.builder()
            .enable(
                    DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
                    DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES,
                    DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES,
                    DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .enable(SerializationFeature.INDENT_OUTPUT)
            .build();

    <T> byte[] write(final T value) {
        return (json.writeValueAsString(value) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    <T> T read(final byte[] bytes, final Class<T> type) throws DamagedRecordException {
        try {
            return json.readValue(bytes, type);
        } catch (final JacksonException e) {
            final Throwable cause = e.getCause();
            throw new DamagedRecordException(
                    cause instanceof IllegalArgumentException && cause.getMessage() != null
                            ? cause.getMessage()
                            : e.getOriginalMessage(),
                    e);
        }
    }
}
