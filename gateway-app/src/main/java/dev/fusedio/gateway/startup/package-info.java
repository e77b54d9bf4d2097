/** How the process starts, says what to try next, and fails. */
@NullMarked
package dev.fusedio.gateway.startup;

import org.jspecify.annotations.NullMarked;
