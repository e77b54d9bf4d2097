package dev.fusedio.gateway.events;

import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A place between two events, as the stream's ids say it: {@code EPOCH-NUMBER} is behind the event of that number.
 *
 * @param number of the event before it; 0 for the beginning
 */
record EventPlace(long number) {
    private static final Pattern FORM = Pattern.compile("([0-9a-f]{16})-(0|[1-9]\\d{0,17})");
    private static final String LIST_AGAIN =
            " List the resources again, then follow from the start, which is without Last-Event-ID and after.";

    /**
     * Reads an id that a client gives back.
     *
     * @param field where it stands in the request
     * @throws ProblemException with an invalid-request problem that names {@code field}, or an events-gone problem if
     *     what came after is not held any more, or was never this process'
     */
    static EventPlace parse(final String id, final String field, final EventJournal journal) {
        final Matcher matcher = FORM.matcher(id);
        if (!matcher.matches()) {
            throw ProblemException.invalid(field, "must be the id of an event, as the stream gives them");
        }
        if (!matcher.group(1).equals(journal.epoch())) {
            throw new ProblemException(
                    ProblemType.EVENTS_GONE, "The gateway has started again since that event." + LIST_AGAIN);
        }
        final long number = Long.parseLong(matcher.group(2));
        if (number > journal.last()) {
            throw ProblemException.invalid(field, "is the id of no event yet");
        }
        if (!journal.holdsAllAfter(number)) {
            throw new ProblemException(
                    ProblemType.EVENTS_GONE,
                    "More than " + EventJournal.CAPACITY + " events have come after that one." + LIST_AGAIN);
        }
        return new EventPlace(number);
    }

    /** The id that stands for it. */
    static String id(final EventJournal journal, final long number) {
        return journal.epoch() + "-" + number;
    }
}
