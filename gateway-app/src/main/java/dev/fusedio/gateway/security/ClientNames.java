package dev.fusedio.gateway.security;

import javax.security.auth.x500.X500Principal;

/** Subjects of certificates, compared as names and not as texts. */
final class ClientNames {
    private ClientNames() {}

    /**
     * Whether both name the same.
     *
     * @throws IllegalArgumentException if one is no distinguished name
     */
    static boolean same(final String name, final String other) {
        return new X500Principal(name).equals(new X500Principal(other));
    }

    static boolean isValid(final String name) {
        try {
            return !new X500Principal(name).getName().isEmpty();
        } catch (final IllegalArgumentException e) {
            return false;
        }
    }
}
