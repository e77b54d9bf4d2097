package dev.fusedio.gateway.engine;

import com.fasterxml.jackson.annotation.JsonProperty;

/** What keeps a volume's bytes. */
public enum BackendType {
    /** A sparse raw file in the pool. */
    @JsonProperty("file")
    FILE,
    /** Memory: zeros after every start. For scratch space and measurements. */
    @JsonProperty("memory")
    MEMORY
}
