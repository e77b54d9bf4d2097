package dev.fusedio.gateway.node;

import dev.fusedio.gateway.catalogue.PoolReport;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.engine.EngineReport;
import dev.fusedio.gateway.engine.LoopCounters;
import io.swagger.v3.oas.annotations.media.Schema;
import java.time.Duration;
import java.util.List;

/**
 * A node as the API shows it.
 *
 * @param version of the gateway
 * @param java of the virtual machine
 * @param kernel what runs below
 * @param cores processors
 * @param ring what io_uring granted
 * @param memory of the core loops
 * @param nbd the NBD server
 * @param blockDevices whether volumes and exports can be attached
 * @param pool where volumes are kept
 * @param limits every bound in force
 */
@Schema(name = "Node")
record NodeView(
        String version,
        String java,
        Kernel kernel,
        Cores cores,
        Ring ring,
        Memory memory,
        Nbd nbd,
        Devices blockDevices,
        Pool pool,
        Limits limits) {

    static NodeView of(
            final String version,
            final EngineReport engine,
            final List<LoopCounters> loops,
            final List<String> listeners,
            final int sessions,
            final String deviceObstacle,
            final PoolReport pool,
            final GatewayProperties properties) {
        final GatewayProperties.NbdLimits nbd = properties.nbd().limits();
        return new NodeView(
                version,
                System.getProperty("java.vm.name") + " " + Runtime.version(),
                new Kernel(engine.kernelRelease(), engine.machine()),
                new Cores(Runtime.getRuntime().availableProcessors(), engine.cores()),
                new Ring(
                        engine.running(),
                        engine.granted(),
                        engine.refused().stream()
                                .map(refusal -> new Refusal(refusal.feature(), refusal.reason()))
                                .toList()),
                new Memory(
                        loops.stream().mapToLong(LoopCounters::slabBytes).sum(),
                        loops.stream().mapToLong(LoopCounters::leasedBytes).sum(),
                        Runtime.getRuntime().maxMemory()),
                new Nbd(listeners, sessions),
                new Devices(deviceObstacle.isEmpty(), deviceObstacle),
                new Pool(
                        pool.directory().toString(),
                        pool.totalBytes(),
                        pool.usableBytes(),
                        pool.volumes(),
                        pool.damaged().stream()
                                .map(damaged -> new Damaged(damaged.name(), damaged.reason()))
                                .toList()),
                new Limits(
                        engine.openFilesLimit(),
                        engine.lockedMemoryLimitBytes(),
                        properties.pool().maxVolumeSize().bytes(),
                        new NbdBounds(
                                nbd.connections(),
                                nbd.handshakes(),
                                nbd.handshakeTime(),
                                nbd.options(),
                                nbd.optionSize().bytes(),
                                nbd.requestsPerConnection(),
                                nbd.memoryPerConnection().bytes(),
                                nbd.requestsPerCore(),
                                nbd.payloadAdvertised().bytes(),
                                nbd.payloadAccepted().bytes(),
                                nbd.stallTime(),
                                nbd.idleTime()),
                        properties.data().maxTransfers(),
                        properties.metrics().maxVolumes()));
    }

    /**
     * @param release as {@code uname -r} prints it
     * @param machine as {@code uname -m} prints it
     */
    record Kernel(String release, String machine) {}

    /**
     * @param available processors that the process may use
     * @param loops those with a core loop
     */
    record Cores(int available, List<Integer> loops) {}

    /**
     * @param running whether every core loop is alive
     * @param granted features in use, as the kernel's headers spell them
     * @param refused those that were asked for in vain
     */
    record Ring(boolean running, List<String> granted, List<Refusal> refused) {}

    /**
     * @param feature the kernel's name for it
     * @param reason why it is not in use, and where there is a remedy, which
     */
    record Refusal(String feature, String reason) {}

    /**
     * @param slabBytes memory that requests can lease
     * @param leasedBytes what is leased now
     * @param heapLimitBytes the largest Java heap
     */
    record Memory(long slabBytes, long leasedBytes, long heapLimitBytes) {}

    /**
     * @param listening where clients can connect
     * @param sessions in transmission
     */
    record Nbd(List<String> listening, int sessions) {}

    /**
     * @param available whether this machine can have {@code /dev/ublkbN}
     * @param reason why it can't, and what to do; empty if it can
     */
    @Schema(name = "BlockDevices")
    record Devices(boolean available, String reason) {}

    /**
     * @param path its directory
     * @param totalBytes of the file system below
     * @param usableBytes what can still be written
     * @param volumes how many there are, damaged ones included
     * @param damaged those that are set aside
     */
    record Pool(String path, long totalBytes, long usableBytes, int volumes, List<Damaged> damaged) {}

    /**
     * @param name the folder's name
     * @param reason what is wrong
     */
    record Damaged(String name, String reason) {}

    /**
     * @param openFiles RLIMIT_NOFILE; -1 for no limit
     * @param lockedMemoryBytes RLIMIT_MEMLOCK; -1 for no limit
     * @param maxVolumeBytes the largest volume that may be made
     * @param nbd bounds for NBD clients
     * @param httpTransfers transfers over HTTP at one time
     * @param volumesWithMetrics volumes that have metrics of their own
     */
    record Limits(
            long openFiles,
            long lockedMemoryBytes,
            long maxVolumeBytes,
            NbdBounds nbd,
            int httpTransfers,
            int volumesWithMetrics) {}

    /** The settings {@code gateway.nbd.limits.*}; sizes in bytes, times as ISO 8601. */
    @Schema(name = "NbdLimits")
    record NbdBounds(
            int connections,
            int handshakes,
            Duration handshakeTime,
            int options,
            long optionBytes,
            int requestsPerConnection,
            long memoryPerConnectionBytes,
            int requestsPerCore,
            long payloadAdvertisedBytes,
            long payloadAcceptedBytes,
            Duration stallTime,
            Duration idleTime) {}
}
