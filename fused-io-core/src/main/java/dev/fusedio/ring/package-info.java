/**
 * io_uring: one submission and one completion queue, the features a kernel grants, registered buffers and files,
 * provided buffers. {@link dev.fusedio.ring.RingDriver} is the seam between the kernel and a simulated ring.
 */
@NullMarked
package dev.fusedio.ring;

import org.jspecify.annotations.NullMarked;
