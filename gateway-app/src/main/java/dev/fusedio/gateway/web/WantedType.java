package dev.fusedio.gateway.web;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Says what a value must be, from the Java type that it could not be turned into. */
final class WantedType {
    private WantedType() {}

    static String describe(final @Nullable Class<?> type) {
        if (type == null) {
            return "is not of the right type";
        }
        if (type.isEnum()) {
            return "must be one of "
                    + Arrays.stream(type.getFields())
                            .filter(field -> field.isEnumConstant())
                            .map(field -> {
                                final JsonProperty name = field.getAnnotation(JsonProperty.class);
                                return name == null ? field.getName().toLowerCase(Locale.ROOT) : name.value();
                            })
                            .collect(Collectors.joining(", "));
        }
        return switch (type.getSimpleName()) {
            case "boolean", "Boolean" -> "must be true or false";
            case "int", "Integer", "long", "Long" -> "must be a whole number";
            case "String" -> "must be text";
            default -> "is not of the right type";
        };
    }
}
