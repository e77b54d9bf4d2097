package dev.fusedio.gateway.engine;

import com.fasterxml.jackson.annotation.JsonProperty;

/** How a block request's data reaches the operations that need it. */
public enum DeviceMechanism {
    /** The best that works here. Asked for; never in use. */
    @JsonProperty("auto")
    AUTO,
    /** The driver lends each request's own pages by itself. */
    @JsonProperty("auto-registration")
    AUTO_REGISTRATION,
    /** The same, asked for request by request. */
    @JsonProperty("registration")
    REGISTRATION,
    /** The data is copied between the request and the process. */
    @JsonProperty("user-copy")
    USER_COPY;

    /** As it is written in the API and in labels. */
    public String text() {
        return switch (this) {
            case AUTO -> "auto";
            case AUTO_REGISTRATION -> "auto-registration";
            case REGISTRATION -> "registration";
            case USER_COPY -> "user-copy";
        };
    }
}
