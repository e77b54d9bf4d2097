/** The operating system by FFM: system calls, error numbers, memory, clocks, processor affinity. Knows nothing of rings. */
@NullMarked
package dev.fusedio.sys;

import org.jspecify.annotations.NullMarked;
