package dev.fusedio.gateway.startup;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindException;
import org.springframework.boot.context.properties.bind.UnboundConfigurationPropertiesException;
import org.springframework.boot.context.properties.bind.validation.BindValidationException;
import org.springframework.boot.context.properties.source.ConfigurationProperty;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;
import org.springframework.boot.origin.Origin;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.validation.FieldError;
import org.springframework.validation.ObjectError;

/** Says of a wrong setting its name, its value, where it was set, and what is allowed. */
@Order(Ordered.HIGHEST_PRECEDENCE)
final class WrongSettingAnalyzer extends AbstractFailureAnalyzer<BindException> {
    @Override
    protected @Nullable FailureAnalysis analyze(final Throwable failure, final BindException cause) {
        return new FailureAnalysis(String.join("; ", describe(cause)), null, cause);
    }

    private static List<String> describe(final BindException failure) {
        final List<String> lines = new ArrayList<>();
        for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof BindValidationException invalid) {
                final String prefix = invalid.getValidationErrors().getName().toString();
                invalid.getValidationErrors().forEach(error -> lines.add(describe(prefix, error)));
                return lines;
            }
            if (cause instanceof UnboundConfigurationPropertiesException unknown) {
                unknown.getUnboundProperties()
                        .forEach(property ->
                                lines.add(property.getName() + origin(property.getOrigin()) + ": no such setting"));
                return lines;
            }
        }
        final ConfigurationProperty property = failure.getProperty();
        lines.add(
                property == null
                        ? failure.getName() + ": " + reason(failure)
                        : property.getName() + " is '" + property.getValue() + "'" + origin(property.getOrigin()) + ": "
                                + reason(failure));
        return lines;
    }

    private static String describe(final String prefix, final ObjectError error) {
        if (error instanceof FieldError field) {
            return prefix + "." + dashed(field.getField()) + " is '" + field.getRejectedValue() + "'"
                    + origin(Origin.from(error)) + ": " + error.getDefaultMessage();
        }
        return prefix + ": " + error.getDefaultMessage();
    }

    /** Fields are named as in Java, settings as in a file. */
    private static String dashed(final String field) {
        return field.replaceAll("([a-z])([A-Z])", "$1-$2").toLowerCase(java.util.Locale.ROOT);
    }

    private static String origin(final @Nullable Origin origin) {
        return origin == null ? "" : " (from " + origin + ")";
    }

    private static String reason(final BindException failure) {
        final Class<?> wanted = failure.getTarget().getType().resolve(Object.class);
        if (wanted == int.class || wanted == long.class || wanted == Integer.class || wanted == Long.class) {
            return "must be a whole number";
        }
        if (wanted == boolean.class) {
            return "must be true or false";
        }
        if (wanted == Duration.class) {
            return "must be a time such as 500ms, 10s or 5m";
        }
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage());
    }
}
