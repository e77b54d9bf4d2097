/**
 * The client: an NBD export of any server as a backend of a volume. A connection is made and negotiated by plain blocking
 * calls ({@link dev.fusedio.nbd.client.ClientHandshake}); its descriptor then goes to a core loop, where it carries the
 * requests of that loop ({@link dev.fusedio.nbd.client.RemoteConnection}). What a server says is believed only within the
 * bounds that the client set.
 */
@NullMarked
package dev.fusedio.nbd.client;

import org.jspecify.annotations.NullMarked;
