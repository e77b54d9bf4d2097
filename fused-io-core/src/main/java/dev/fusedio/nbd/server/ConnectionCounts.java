package dev.fusedio.nbd.server;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The connections of a server, in all and for each client address, so that no address takes all there may be. Clients of
 * Unix sockets have no address and count in all only. Any thread.
 */
final class ConnectionCounts {
    private final int limit;
    private final int limitPerAddress;
    private final AtomicInteger all = new AtomicInteger();
    private final Map<String, Integer> byAddress = new ConcurrentHashMap<>();

    ConnectionCounts(final int limit, final int limitPerAddress) {
        this.limit = limit;
        this.limitPerAddress = limitPerAddress;
    }

    /**
     * Counts a connection in; it is to be counted out by {@link #leave} if it may stay or not.
     *
     * @param peer as in {@link SessionSnapshot#peer}
     * @return whether it may stay
     */
    boolean enter(final String peer) {
        final boolean room = all.incrementAndGet() <= limit;
        final String address = address(peer);
        return (address.isEmpty() || byAddress.merge(address, 1, Integer::sum) <= limitPerAddress) && room;
    }

    /** Counts a connection out. */
    void leave(final String peer) {
        final String address = address(peer);
        if (!address.isEmpty()) {
            byAddress.computeIfPresent(address, (any, count) -> count == 1 ? null : count - 1);
        }
        all.decrementAndGet(); // last: who waits for none to be left waits for this
    }

    /** Connections of all clients. */
    int all() {
        return all.get();
    }

    /** Addresses that have connections. */
    int addresses() {
        return byAddress.size();
    }

    private static String address(final String peer) {
        return peer.substring(0, Math.max(peer.lastIndexOf(':'), 0));
    }
}
