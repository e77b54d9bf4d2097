package dev.fusedio.gateway.console;

import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.Resource;
import org.springframework.core.io.support.PathMatchingResourcePatternResolver;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.web.reactive.function.server.RouterFunction;
import org.springframework.web.reactive.function.server.ServerRequest;
import org.springframework.web.reactive.function.server.ServerResponse;
import reactor.core.publisher.Mono;

/**
 * Serves the console's files: the page at {@code /}, the rest below {@code /console/}. Browsers may keep them and ask
 * each time whether they are still the ones, so that nobody sees the files of another version.
 */
@Configuration(proxyBeanMethods = false)
class ConsoleRoutes {
    private static final String FILES = "classpath:/console/*.*";
    private static final String PAGE = "index.html";

    private static final Set<HttpMethod> READS = Set.of(HttpMethod.GET, HttpMethod.HEAD);

    /** Nothing from elsewhere, nothing inline, no text that becomes markup, no frame around it. */
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
            + " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
            + " require-trusted-types-for 'script'; trusted-types 'none'";

    @Bean
    RouterFunction<ServerResponse> console() throws IOException {
        final Map<String, ConsoleFile> files = new HashMap<>();
        for (final Resource resource : new PathMatchingResourcePatternResolver().getResources(FILES)) {
            final ConsoleFile file = ConsoleFile.read(resource);
            files.put(PAGE.equals(file.name()) ? "/" : "/console/" + file.name(), file);
        }
        return request -> READS.contains(request.method())
                ? Mono.justOrEmpty(files.get(request.path())).map(file -> asked -> answer(asked, file))
                : Mono.empty();
    }

    private static Mono<ServerResponse> answer(final ServerRequest request, final ConsoleFile file) {
        final HttpHeaders headers = request.exchange().getResponse().getHeaders();
        headers.setCacheControl(CacheControl.noCache());
        headers.set("Content-Security-Policy", POLICY);
        headers.set("Cross-Origin-Opener-Policy", "same-origin");
        return request.checkNotModified(file.etag())
                .switchIfEmpty(Mono.defer(() -> ServerResponse.ok()
                        .contentType(file.type())
                        .eTag(file.etag())
                        .bodyValue(file.content())));
    }
}
