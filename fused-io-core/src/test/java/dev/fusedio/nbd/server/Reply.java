package dev.fusedio.nbd.server;

import java.util.List;

/**
 * The whole answer to one request.
 *
 * @param error 0 or an NBD error number
 * @param message the error's text; empty where there is none
 * @param data what READ returned, holes as zeroes
 * @param extents what BLOCK_STATUS returned
 * @param chunks messages that it came in
 * @param holes those of them that were OFFSET_HOLE
 */
@SuppressWarnings("ArrayRecordComponent") // a carrier, never compared
public record Reply(int error, String message, byte[] data, List<Extent> extents, int chunks, int holes) {
    /** One descriptor of a block status. */
    record Extent(long length, long flags) {}
}
