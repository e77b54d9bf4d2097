package dev.fusedio.gateway.config;

import jakarta.validation.Constraint;
import jakarta.validation.ConstraintValidator;
import jakarta.validation.ConstraintValidatorContext;
import jakarta.validation.Payload;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.jspecify.annotations.Nullable;

/** Bounds of a {@link ByteSize}, both inclusive, written as {@link ByteSize#parse} reads them. */
@Target({ElementType.FIELD, ElementType.PARAMETER, ElementType.RECORD_COMPONENT})
@Retention(RetentionPolicy.RUNTIME)
@Constraint(validatedBy = ByteSizeBetween.Validator.class)
public @interface ByteSizeBetween {
    /** The least that is allowed. */
    String min();

    /** The most that is allowed. */
    String max();

    /** What is said otherwise. */
    String message() default "must be from {min} to {max}";

    /** Groups, as Bean Validation wants them. */
    Class<?>[] groups() default {};

    /** Payload, as Bean Validation wants it. */
    Class<? extends Payload>[] payload() default {};

    /** Compares. */
    final class Validator implements ConstraintValidator<ByteSizeBetween, ByteSize> {
        private long min;
        private long max;

        @Override
        public void initialize(final ByteSizeBetween bounds) {
            min = ByteSize.parse(bounds.min()).bytes();
            max = ByteSize.parse(bounds.max()).bytes();
        }

        @Override
        public boolean isValid(final @Nullable ByteSize value, final ConstraintValidatorContext context) {
            return value == null || (value.bytes() >= min && value.bytes() <= max);
        }
    }
}
