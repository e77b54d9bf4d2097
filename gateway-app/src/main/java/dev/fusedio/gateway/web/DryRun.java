package dev.fusedio.gateway.web;

import org.springframework.http.ResponseEntity;

/** Requests that are to be checked and answered, and not to be carried out. */
public final class DryRun {
    /** The answer's header that says so. */
    public static final String HEADER = "Dry-Run";

    /** What the API's description says of the parameter. */
    public static final String DESCRIPTION =
            "Only check: the answer is as it would be, with the header 'Dry-Run: true', and nothing is done. What only"
                    + " trying can tell, such as space, is not checked.";

    private DryRun() {}

    /** Says in an answer that nothing was done. */
    public static ResponseEntity.BodyBuilder mark(final ResponseEntity.BodyBuilder answer) {
        answer.header(HEADER, "true");
        return answer;
    }

    /** The same for an answer without a body. */
    public static ResponseEntity.HeadersBuilder<?> mark(final ResponseEntity.HeadersBuilder<?> answer) {
        return answer.header(HEADER, "true");
    }
}
