/** What changes in the control plane, one event after another, for programs that follow it. */
@NullMarked
package dev.fusedio.gateway.events;

import org.jspecify.annotations.NullMarked;
