/** What the container's image has beside the gateway, for scripts that can call no program but bash and Java. */
@NullMarked
package dev.fusedio.gateway.container;

import org.jspecify.annotations.NullMarked;
