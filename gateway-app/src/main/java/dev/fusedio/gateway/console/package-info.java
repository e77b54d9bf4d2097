/** The page at {@code /}: static files, which use nothing but the public API. */
@NullMarked
package dev.fusedio.gateway.console;

import org.jspecify.annotations.NullMarked;
