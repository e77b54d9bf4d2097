/**
 * NBD, per the specification "The NBD protocol" (NetworkBlockDevice/nbd, doc/proto.md). A connection is a
 * {@link dev.fusedio.nbd.server.Handshake} first and a {@link dev.fusedio.nbd.server.Transmission} after; what comes from the wire is
 * judged in one place each, {@link dev.fusedio.nbd.server.Handshake} and {@link dev.fusedio.nbd.server.RequestEdge}.
 */
@NullMarked
package dev.fusedio.nbd.server;

import org.jspecify.annotations.NullMarked;
