/**
 * The fused command: a primary owns one buffer and lends it to secondary operations for exactly its own life. The
 * contract is that of the Linux patch "io_uring: support providing buffer by IORING_OP_FUSED_CMD" (2023), kept here for
 * every provider of buffers and on every kernel.
 */
@NullMarked
package dev.fusedio.fused;

import org.jspecify.annotations.NullMarked;
