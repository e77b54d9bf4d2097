/** Volumes over REST. */
@NullMarked
package dev.fusedio.gateway.volume;

import org.jspecify.annotations.NullMarked;
