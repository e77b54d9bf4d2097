package dev.fusedio.gateway.engine;

/**
 * A served block device's counts and state at one moment.
 *
 * @param device {@code /dev/ublkbN}
 * @param size bytes as the block layer knows it
 * @param mechanism the one in use
 * @param why why no better one is; empty for the best
 * @param queues hardware queues
 * @param depth requests of a queue at once
 * @param requests answered
 * @param inFlight gauge: fetched and not answered
 * @param errors answered with an error
 * @param bytesBorrowed payload of requests that lent their own pages
 * @param bytesCopied payload that was copied between requests and this process
 * @param served whether requests are taken; false when somebody else has stopped it
 * @param memoryRisk why it may stall when memory is short, and what to do; empty when it can't
 */
public record DeviceStatus(
        String device,
        long size,
        DeviceMechanism mechanism,
        String why,
        int queues,
        int depth,
        long requests,
        long inFlight,
        long errors,
        long bytesBorrowed,
        long bytesCopied,
        boolean served,
        String memoryRisk) {}
