/** A volume's bytes over HTTP. */
@NullMarked
package dev.fusedio.gateway.data;

import org.jspecify.annotations.NullMarked;
