/** Volumes: the backend contract, access from a loop and from other threads, limits and statistics. */
@NullMarked
package dev.fusedio.volume;

import org.jspecify.annotations.NullMarked;
