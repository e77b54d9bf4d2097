package dev.fusedio.ublk;

import java.nio.file.Path;

/**
 * A device's counts and state at one moment.
 *
 * @param id its number
 * @param path {@code /dev/ublkbN}
 * @param volume the volume's name
 * @param bytes size as the block layer knows it
 * @param mechanism how data reaches the volume's operations
 * @param why why no better mechanism is in use; empty for the best
 * @param queues hardware queues
 * @param depth block requests of a queue at once
 * @param maxIoBytes longest block request
 * @param requests answered
 * @param inFlight fetched and not answered
 * @param errors answered with an error
 * @param bytesBorrowed payload of requests that lent their own pages
 * @param bytesCopied payload that was copied between requests and this process
 * @param memoryWaits how often a request waited for leased memory
 * @param recovered whether the device is older than this process
 * @param ioFlusher empty when the loops are safe under memory pressure (PR_SET_IO_FLUSHER); else why they aren't
 * @param served whether requests are taken: the device was neither stopped nor detached
 */
public record UblkDeviceSnapshot(
        int id,
        Path path,
        String volume,
        long bytes,
        Mechanism mechanism,
        String why,
        int queues,
        int depth,
        int maxIoBytes,
        long requests,
        long inFlight,
        long errors,
        long bytesBorrowed,
        long bytesCopied,
        long memoryWaits,
        boolean recovered,
        String ioFlusher,
        boolean served) {}
