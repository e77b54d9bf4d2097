/** The one door to the data plane. Nothing else in this module imports the core; completions leave here as Reactor's types. */
@NullMarked
package dev.fusedio.gateway.engine;

import org.jspecify.annotations.NullMarked;
