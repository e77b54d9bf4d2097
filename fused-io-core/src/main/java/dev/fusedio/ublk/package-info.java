/**
 * ublk: volumes as {@code /dev/ublkbN}. The control device, one queue for each core loop, block requests as fused
 * commands that lend their own pages, recovery of devices whose process died. Terms and structures are those of {@code
 * include/uapi/linux/ublk_cmd.h}.
 */
@NullMarked
package dev.fusedio.ublk;

import org.jspecify.annotations.NullMarked;
