/** The NBD protocol on the wire: constants, reply headers and error numbers, for server and client. */
@NullMarked
package dev.fusedio.nbd.wire;

import org.jspecify.annotations.NullMarked;
