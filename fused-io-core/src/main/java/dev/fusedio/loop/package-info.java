/** The event loop of one core: its ring, its memory, its mailbox, its timers. Not Project Reactor. */
@NullMarked
package dev.fusedio.loop;

import org.jspecify.annotations.NullMarked;
