package dev.fusedio.sys;

/**
 * Runs a test for many seeds. The seeds are the same in every run, so that a build's result is too; a failure names its
 * seed and how to run that one alone.
 *
 * <ul>
 *   <li>{@code -Dfusedio.seed=N} runs the seed N only.
 *   <li>{@code -Dfusedio.seeds.from=N} starts at N instead of 1, to search where nobody has.
 *   <li>{@code -Dfusedio.seeds.factor=N} takes N times as many.
 * </ul>
 */
public final class Seeds {
    private Seeds() {}

    /** A test of one seed. */
    @FunctionalInterface
    public interface Body {
        void run(long seed) throws Exception;
    }

    /** Runs {@code body} for {@code count} seeds, or for the one that was asked for. */
    public static void forEach(final int count, final Body body) {
        final Long single = Long.getLong("fusedio.seed");
        if (single != null) {
            run(single, body);
            return;
        }
        final long from = Long.getLong("fusedio.seeds.from", 1L);
        final long factor = Long.getLong("fusedio.seeds.factor", 1L);
        for (long seed = from; seed < from + count * factor; seed++) {
            run(seed, body);
        }
    }

    private static void run(final long seed, final Body body) {
        try {
            body.run(seed);
        } catch (final Exception | AssertionError e) {
            throw new AssertionError(
                    "failed for seed " + seed + "; to replay: run this test with -Dfusedio.seed=" + seed + " ("
                            + e.getMessage() + ")",
                    e);
        }
    }
}
