/**
 * An NBD export of any server as a backend of a volume ({@link dev.fusedio.backend.remote.RemoteBackend}). Each core loop
 * with connections has one {@link dev.fusedio.backend.remote.RemoteQueue}: it orders the requests, keeps the connections
 * ({@link dev.fusedio.nbd.client.ClientConnection}) made, and sends again what one that ended had left unanswered.
 */
@NullMarked
package dev.fusedio.backend.remote;

import org.jspecify.annotations.NullMarked;
