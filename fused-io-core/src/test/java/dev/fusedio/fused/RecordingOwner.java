package dev.fusedio.fused;

import java.util.ArrayList;
import java.util.List;

/** Keeps what a command told its owner. */
final class RecordingOwner implements FusedCommand.Owner {
    private final List<Integer> secondaries = new ArrayList<>();
    private final List<Integer> completions = new ArrayList<>();

    @Override
    public void onSecondariesDone(final int firstError) {
        secondaries.add(firstError);
    }

    @Override
    public void onCommandComplete(final int result) {
        completions.add(result);
    }

    @Override
    public void onFailure(final RuntimeException e) {
        throw new AssertionError("a callback let an exception through", e);
    }

    /** What came by {@code onSecondariesDone}, in order. */
    List<Integer> secondaries() {
        return secondaries;
    }

    /** What came by {@code onCommandComplete}, in order. */
    List<Integer> completions() {
        return completions;
    }

    boolean isComplete() {
        return !completions.isEmpty();
    }
}
