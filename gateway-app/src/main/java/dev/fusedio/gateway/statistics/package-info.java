/** What the data plane does, second by second, over REST and as events. */
@NullMarked
package dev.fusedio.gateway.statistics;

import org.jspecify.annotations.NullMarked;
