/** Bytes on sockets, whatever they mean: listening, receiving into shared buffers, gathered sends, addresses. */
@NullMarked
package dev.fusedio.net;

import org.jspecify.annotations.NullMarked;
