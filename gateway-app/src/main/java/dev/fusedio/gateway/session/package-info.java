/** NBD sessions over REST. */
@NullMarked
package dev.fusedio.gateway.session;

import org.jspecify.annotations.NullMarked;
