package dev.fusedio.gateway.web;

import io.swagger.v3.oas.annotations.OpenAPIDefinition;
import io.swagger.v3.oas.annotations.info.Info;
import io.swagger.v3.oas.annotations.info.License;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import java.util.Map;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** What the description at {@code /v3/api-docs} says of all addresses. */
@Configuration(proxyBeanMethods = false)
@OpenAPIDefinition(
        info =
                @Info(
                        title = "Fused Gateway",
                        version = "v1",
                        description = "Block volumes: make them, look after them, read and write them. Clients use them"
                                + " by NBD; on this machine, they and other servers' exports can be block devices.",
                        license = @License(name = "Apache-2.0", identifier = "Apache-2.0")))
class ApiDescription {
    private static final String PROBLEM = "Problem";

    /** Every answer of 400 and above is a problem; said once here and not at each address. */
    @Bean
    OpenApiCustomizer problems() {
        return api -> {
            api.getComponents().addSchemas(PROBLEM, problemSchema());
            api.getPaths().values().stream()
                    .flatMap(path -> path.readOperations().stream())
                    .flatMap(operation -> operation.getResponses().entrySet().stream())
                    .filter(answer ->
                            answer.getKey().startsWith("4") || answer.getKey().startsWith("5"))
                    .forEach(answer -> answer.getValue()
                            .setContent(new Content()
                                    .addMediaType(
                                            org.springframework.http.MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                                            new MediaType()
                                                    .schema(new Schema<>().$ref("#/components/schemas/" + PROBLEM)))));
        };
    }

    private static Schema<?> problemSchema() {
        final Schema<?> field = object().properties(
                        Map.of("field", text("Its path in the request."), "message", text("What is allowed.")));
        final Schema<?> errors = new Schema<>();
        errors.addType("array");
        errors.items(field).description("The fields that are wrong; only if it is about fields.");
        final Schema<?> status = new Schema<>();
        status.addType("integer");
        final Schema<?> problem = object();
        problem.addProperty("type", text("What it is, for programs: urn:fusedio:problem:CODE. Never changes."));
        problem.addProperty("code", text("The last part of the type."));
        problem.addProperty("title", text("The same for people."));
        problem.addProperty("status", status);
        problem.addProperty("detail", text("What is wrong in this case, and what to do."));
        problem.addProperty("instance", text("The path of the request."));
        problem.addProperty("errno", text("The system's error, if it was one."));
        problem.addProperty("errors", errors);
        return problem.description("A problem (RFC 9457).");
    }

    private static Schema<?> object() {
        final Schema<?> schema = new Schema<>();
        schema.addType("object");
        return schema;
    }

    private static Schema<?> text(final String description) {
        final Schema<?> schema = new Schema<>();
        schema.addType("string");
        return schema.description(description);
    }
}
