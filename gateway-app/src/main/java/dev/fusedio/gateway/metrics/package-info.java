/** The data plane's plain counters, read when Prometheus asks. */
@NullMarked
package dev.fusedio.gateway.metrics;

import org.jspecify.annotations.NullMarked;
