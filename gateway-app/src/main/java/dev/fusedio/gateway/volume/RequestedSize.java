package dev.fusedio.gateway.volume;

import com.fasterxml.jackson.annotation.JsonCreator;
import dev.fusedio.gateway.config.ByteSize;
import io.swagger.v3.oas.annotations.media.Schema;

/**
 * A size in a request: a JSON number of bytes, or text such as {@code "10GiB"}.
 *
 * @param bytes the size
 */
@Schema(name = RequestedSize.SCHEMA)
record RequestedSize(long bytes) {
    static final String SCHEMA = "RequestedSize";

    @JsonCreator
    static RequestedSize of(final Object value) {
        return switch (value) {
            case Integer number -> new RequestedSize(new ByteSize(number).bytes());
            case Long number -> new RequestedSize(new ByteSize(number).bytes());
            case String text -> new RequestedSize(ByteSize.parse(text).bytes());
            default ->
                throw new IllegalArgumentException(
                        "give a whole number of bytes below 2^63, or text such as \"10GiB\"");
        };
    }
}
