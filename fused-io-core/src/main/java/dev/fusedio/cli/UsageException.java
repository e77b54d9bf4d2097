package dev.fusedio.cli;

/** The command line is wrong; the message says what and what is possible. Exit status 2. */
final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(final String message) {
        super(message);
    }
}
