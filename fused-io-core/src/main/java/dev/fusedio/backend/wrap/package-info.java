/** Backends that wrap another one and disturb it: injected errors and delays. */
@NullMarked
package dev.fusedio.backend.wrap;

import org.jspecify.annotations.NullMarked;
