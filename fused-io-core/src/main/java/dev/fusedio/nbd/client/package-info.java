/**
 * The client's side of the NBD protocol. A connection is made and negotiated by plain blocking calls
 * ({@link dev.fusedio.nbd.client.ClientHandshake}); its descriptor then goes to a core loop, where it carries the requests
 * of its owner ({@link dev.fusedio.nbd.client.ClientConnection}). What a server says is believed only within the bounds
 * that the client set. Which connections there are, and what happens to requests when one ends, is the owner's affair.
 */
@NullMarked
package dev.fusedio.nbd.client;

import org.jspecify.annotations.NullMarked;
