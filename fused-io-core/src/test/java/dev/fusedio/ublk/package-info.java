/** Tests of ublk: on a simulated ring, and in guests that have the driver. */
@NullMarked
package dev.fusedio.ublk;

import org.jspecify.annotations.NullMarked;
