package dev.fusedio.gateway.startup;

import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.diagnostics.FailureAnalysisReporter;

/** Says on one line of standard error why the gateway does not start, as a Unix tool does. */
final class OneLineFailureReporter implements FailureAnalysisReporter {
    @Override
    public void report(final FailureAnalysis analysis) {
        System.err.println("gateway: " + line(analysis));
    }

    static String line(final FailureAnalysis analysis) {
        final String action = analysis.getAction();
        final String text = action == null || action.isBlank()
                ? analysis.getDescription()
                : analysis.getDescription() + " " + action;
        return text.strip().replaceAll("\\s+", " ");
    }
}
