package dev.fusedio.gateway.web;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Which revisions of a thing a request is meant for: what {@code If-Match} says (RFC 9110, 13.1.1). */
public final class Precondition {
    /** What the API's description says of the header. */
    public static final String DESCRIPTION =
            "Needed: the ETag of the revision that is meant, or * for whichever it is.";

    private static final String ANY_REVISION = "*";
    private static final Pattern TAG = Pattern.compile("\\s*(W/)?(\"[\\x21\\x23-\\x7e]*\")\\s*(,|$)");
    private static final Precondition ANY = new Precondition(ANY_REVISION, Set.of());

    private final String header;
    private final Set<String> tags;

    private Precondition(final String header, final Set<String> tags) {
        this.header = header;
        this.tags = tags;
    }

    /** Whatever revision it is at. */
    public static Precondition any() {
        return ANY;
    }

    /**
     * Reads a header that must be there.
     *
     * @param ifMatch the header; null if it is absent
     * @throws ProblemException with a precondition-required problem if it is absent
     */
    public static Precondition required(final @Nullable String ifMatch) {
        if (ifMatch == null || ifMatch.isBlank()) {
            throw new ProblemException(
                    ProblemType.PRECONDITION_REQUIRED,
                    "Say with If-Match which revision is meant: the ETag that GET answers with, or * for whichever it is.");
        }
        if (ifMatch.strip().equals(ANY_REVISION)) {
            return ANY;
        }
        final Set<String> tags = new HashSet<>();
        final Matcher matcher = TAG.matcher(ifMatch);
        while (matcher.lookingAt()) {
            if (matcher.group(1) == null) { // a weak tag matches nothing here
                tags.add(matcher.group(2));
            }
            matcher.region(matcher.end(), ifMatch.length());
        }
        return new Precondition(ifMatch.strip(), tags);
    }

    /** The ETag of a revision. */
    public static String etag(final long revision) {
        return "\"" + revision + "\"";
    }

    /**
     * Lets those pass that are meant.
     *
     * @param etag what the thing is at; null if that can't be known, which only {@code *} lets pass
     * @param what the thing, for people: {@code The volume 'demo'}
     * @throws ProblemException with a revision-mismatch problem
     */
    public void require(final @Nullable String etag, final String what) {
        if (header.equals(ANY_REVISION) || (etag != null && tags.contains(etag))) {
            return;
        }
        throw new ProblemException(
                ProblemType.REVISION_MISMATCH,
                etag == null
                        ? what + " has no revision that can be read; only If-Match: * means it."
                        : what + " is at revision " + etag + ", and If-Match says " + shortened(header)
                                + ". Read it again.");
    }

    private static String shortened(final String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "…";
    }
}
