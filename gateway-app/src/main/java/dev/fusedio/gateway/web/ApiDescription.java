package dev.fusedio.gateway.web;

import io.swagger.v3.oas.annotations.OpenAPIDefinition;
import io.swagger.v3.oas.annotations.info.Info;
import io.swagger.v3.oas.annotations.info.License;
import io.swagger.v3.oas.annotations.servers.Server;
import io.swagger.v3.oas.models.Operation;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.MediaType;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import io.swagger.v3.oas.models.responses.ApiResponses;
import io.swagger.v3.oas.models.security.SecurityRequirement;
import io.swagger.v3.oas.models.security.SecurityScheme;
import java.util.Locale;
import java.util.Map;
import org.springdoc.core.customizers.OpenApiCustomizer;
import org.springdoc.core.customizers.OperationCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;

/** What the description at {@code /v3/api-docs} says of all addresses. */
@Configuration(proxyBeanMethods = false)
@OpenAPIDefinition(
        info =
                @Info(
                        title = "Fused Gateway",
                        version = "v1",
                        description = "Block volumes: make them, look after them, read and write them. Clients use them"
                                + " by NBD; on this machine, they and other servers' exports can be block devices.",
                        license = @License(name = "Apache-2.0", identifier = "Apache-2.0")),
        servers = @Server(url = "/", description = "Where this description was read."))
class ApiDescription {
    private static final String PROBLEM = "Problem";
    private static final String BEARER = "bearer";

    /** Names that stay when another controller gets a method of the same name; generated clients call them. */
    @Bean
    OperationCustomizer operationIds() {
        return (operation, handler) -> {
            final String type = handler.getBeanType().getSimpleName().replace("Controller", "");
            final String method = handler.getMethod().getName();
            return operation.operationId(type.substring(0, 1).toLowerCase(Locale.ROOT)
                    + type.substring(1)
                    + method.substring(0, 1).toUpperCase(Locale.ROOT)
                    + method.substring(1));
        };
    }

    /** Every answer of 400 and above is a problem; what many addresses have in common is said once here. */
    @Bean
    OpenApiCustomizer problems() {
        return api -> {
            api.getComponents().addSchemas(PROBLEM, problemSchema());
            api.getComponents()
                    .addSecuritySchemes(
                            BEARER,
                            new SecurityScheme()
                                    .type(SecurityScheme.Type.HTTP)
                                    .scheme("bearer")
                                    .description(
                                            "A token of the gateway's, or a JSON web token of the identity provider."
                                                    + " Not needed where everything listens on the loopback interface only."));
            api.addSecurityItem(new SecurityRequirement().addList(BEARER));
            api.getPaths().values().stream()
                    .flatMap(path -> path.readOperations().stream())
                    .forEach(ApiDescription::addProblems);
        };
    }

    private static void addProblems(final Operation operation) {
        final ApiResponses answers = operation.getResponses();
        addIfAbsent(answers, HttpStatus.UNAUTHORIZED, ProblemType.UNAUTHENTICATED);
        addIfAbsent(answers, HttpStatus.FORBIDDEN, ProblemType.FORBIDDEN);
        addIfAbsent(answers, HttpStatus.TOO_MANY_REQUESTS, ProblemType.TOO_MANY_FAILURES);
        if (operation.getRequestBody() != null) {
            addIfAbsent(answers, HttpStatus.BAD_REQUEST, ProblemType.INVALID_REQUEST);
            addIfAbsent(answers, HttpStatus.CONTENT_TOO_LARGE, ProblemType.CONTENT_TOO_LARGE);
            addIfAbsent(answers, HttpStatus.UNSUPPORTED_MEDIA_TYPE, ProblemType.UNSUPPORTED_MEDIA_TYPE);
        }
        if (operation.getParameters() != null) {
            addIfAbsent(answers, HttpStatus.BAD_REQUEST, ProblemType.INVALID_REQUEST);
            if (operation.getParameters().stream()
                    .anyMatch(parameter -> HttpHeaders.IF_MATCH.equals(parameter.getName()))) {
                addIfAbsent(answers, HttpStatus.PRECONDITION_FAILED, ProblemType.REVISION_MISMATCH);
                addIfAbsent(answers, HttpStatus.PRECONDITION_REQUIRED, ProblemType.PRECONDITION_REQUIRED);
            }
        }
        answers.addApiResponse(
                ApiResponses.DEFAULT,
                new ApiResponse()
                        .description(
                                "Any other problem: unavailable (503: the gateway stops, or this is being changed),"
                                        + " storage-error or internal-error (500)."));
        final Content problem = new Content()
                .addMediaType(
                        org.springframework.http.MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                        new MediaType().schema(new Schema<>().$ref("#/components/schemas/" + PROBLEM)));
        answers.forEach((status, answer) -> {
            if (!status.startsWith("2") && !status.startsWith("3")) {
                answer.setContent(problem);
            }
        });
    }

    private static void addIfAbsent(final ApiResponses answers, final HttpStatus status, final ProblemType type) {
        answers.putIfAbsent(Integer.toString(status.value()), new ApiResponse().description(type.code()));
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
        problem.addProperty("requestId", text("The request's id, as in X-Request-Id and in the audit log."));
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
