package dev.fusedio.gateway.config;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.time.Duration;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Limits on clients of REST, and apart from them on those of a management port of its own.
 *
 * @param connections at one time; one more is closed at once
 * @param headTime how long a new connection may take until its first request's head is whole
 * @param stallTime how long a client may send nothing of a body that is waited for, or take nothing of an answer
 */
public record HttpLimits(
        @DefaultValue("1024") @Min(1) @Max(1_000_000) int connections,

        @DefaultValue("10s") @DurationMin(millis = 100) @DurationMax(minutes = 10)
        Duration headTime,

        @DefaultValue("60s") @DurationMin(millis = 100) @DurationMax(hours = 24)
        Duration stallTime) {}
