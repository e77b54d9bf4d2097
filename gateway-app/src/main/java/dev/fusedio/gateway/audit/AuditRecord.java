package dev.fusedio.gateway.audit;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A line of the audit log. Holds neither secrets nor bodies; long texts are cut.
 *
 * @param time when the request was answered
 * @param requestId its id, as in the answer and in the gateway's log
 * @param who a token's name, a subject; absent if that was not found out
 * @param role the caller's role
 * @param authentication {@code none}, {@code token}, {@code jwt}, {@code certificate}
 * @param from the client's address
 * @param method what was asked for; absent, as the resource is, if the request could not be read so far
 * @param resource the path, with the query
 * @param before the version that the change was thought for (If-Match)
 * @param after the version that it made (ETag)
 * @param status the answer's; 0 if the client left before it
 * @param problem the code of the problem that it was answered with
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
record AuditRecord(
        Instant time,
        @Nullable String requestId,
        @Nullable String who,
        @Nullable String role,
        @Nullable String authentication,
        @Nullable String from,
        @Nullable String method,
        @Nullable String resource,
        @Nullable String before,
        @Nullable String after,
        int status,
        @Nullable String problem) {
    private static final int MAX_TEXT = 2048;

    AuditRecord {
        method = cut(method);
        resource = cut(resource);
        before = cut(before);
    }

    private static @Nullable String cut(final @Nullable String text) {
        return text == null || text.length() <= MAX_TEXT ? text : text.substring(0, MAX_TEXT);
    }
}
