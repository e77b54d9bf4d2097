/**
 * NBD, per the specification "The NBD protocol" (NetworkBlockDevice/nbd, doc/proto.md). A connection is a
 * {@link dev.fusedio.nbd.Handshake} first and a {@link dev.fusedio.nbd.Transmission} after; what comes from the wire is
 * judged in one place each, {@link dev.fusedio.nbd.Handshake} and {@link dev.fusedio.nbd.RequestEdge}.
 */
@NullMarked
package dev.fusedio.nbd;

import org.jspecify.annotations.NullMarked;
