package dev.fusedio.gateway.catalogue;

/**
 * What is there after a request that it be there.
 *
 * @param volume it
 * @param made whether it was not there before
 */
public record Ensured<T>(T volume, boolean made) {}
