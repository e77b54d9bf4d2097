/** Work that takes longer than a request: how far it is, how it ended, and its end before its time. */
@NullMarked
package dev.fusedio.gateway.operation;

import org.jspecify.annotations.NullMarked;
