/** What keeps a volume's bytes: the backend contract, its implementations, wrappers that limit or disturb them. */
@NullMarked
package dev.fusedio.volume;

import org.jspecify.annotations.NullMarked;
