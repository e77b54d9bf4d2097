package dev.fusedio.nbd.server;

import java.util.SplittableRandom;

/** Payload that is recognised: none of it repeats. */
final class Patterns {
    private Patterns() {}

    static byte[] random(final long seed, final int length) {
        final byte[] bytes = new byte[length];
        new SplittableRandom(seed).nextBytes(bytes);
        return bytes;
    }
}
