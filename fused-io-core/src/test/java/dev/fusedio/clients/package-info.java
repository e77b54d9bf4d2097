/** Other people's NBD clients against this server, and the command line as its users have it. */
@NullMarked
package dev.fusedio.clients;

import org.jspecify.annotations.NullMarked;
