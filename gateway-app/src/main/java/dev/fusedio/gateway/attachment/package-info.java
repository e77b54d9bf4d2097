/** Local block devices: volumes and other servers' exports attached as {@code /dev/ublkbN}, over REST. */
@NullMarked
package dev.fusedio.gateway.attachment;

import org.jspecify.annotations.NullMarked;
