package dev.fusedio.gateway.catalogue;

import java.util.regex.Pattern;

/**
 * A volume's name. It is also the name of a folder and of an NBD export, so it is kept to characters that neither a
 * shell, nor a URI, nor a file system reads anything into; it can't begin with a dot, so it is never {@code ..} nor
 * one of the pool's own files.
 *
 * @param value the name
 */
public record VolumeName(String value) {
    /** What a name may be; used as a pattern in the API's description. */
    public static final String FORM = "[a-z0-9][a-z0-9._-]{0,62}";

    /** The same for people. */
    public static final String RULE =
            "1 to 63 characters: lower case letters, digits, '.', '_' and '-', the first a letter or a digit";

    private static final Pattern PATTERN = Pattern.compile(FORM);

    public VolumeName {
        if (!isValid(value)) {
            throw new IllegalArgumentException("a name is " + RULE);
        }
    }

    /** Whether {@code text} can be a name. */
    public static boolean isValid(final String text) {
        return PATTERN.matcher(text).matches();
    }

    @Override
    public String toString() {
        return value;
    }
}
