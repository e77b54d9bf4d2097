package dev.fusedio.gateway.volume;

import io.swagger.v3.oas.models.media.Schema;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** A size is a number or text in JSON, which the description can't read off the Java type. */
@Configuration(proxyBeanMethods = false)
class RequestedSizeSchema {
    @Bean
    OpenApiCustomizer requestedSize() {
        return api -> api.getComponents()
                .addSchemas(
                        RequestedSize.SCHEMA,
                        new Schema<Object>()
                                .description("Bytes as a number, or text with a unit, such as \"10GiB\".")
                                .example("10GiB")
                                .addOneOfItem(typed("integer").format("int64"))
                                .addOneOfItem(typed("string")));
    }

    private static Schema<?> typed(final String type) {
        final Schema<?> schema = new Schema<>();
        schema.addType(type);
        return schema;
    }
}
