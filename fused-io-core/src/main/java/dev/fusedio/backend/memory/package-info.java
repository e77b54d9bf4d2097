/** Volumes in memory, for tests, benchmarks and scratch data. */
@NullMarked
package dev.fusedio.backend.memory;

import org.jspecify.annotations.NullMarked;
