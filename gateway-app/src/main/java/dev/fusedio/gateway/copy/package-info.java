/** Copies of volumes. */
@NullMarked
package dev.fusedio.gateway.copy;

import org.jspecify.annotations.NullMarked;
