package dev.fusedio.gateway.config;

import jakarta.validation.Valid;
import jakarta.validation.constraints.AssertTrue;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import java.net.InetAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.hibernate.validator.constraints.time.DurationMax;
import org.hibernate.validator.constraints.time.DurationMin;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

/**
 * Every setting of the gateway. REST listens where {@code server.address} and {@code server.port} say.
 *
 * @param pool where volumes are kept
 * @param demo the volume made at the first start
 * @param engine the core loops
 * @param nbd the NBD server
 * @param http limits on clients of REST and management
 * @param data bytes over HTTP
 * @param metrics what is published
 * @param attachments local block devices
 * @param security who may use REST
 * @param audit who changed what
 */
@Validated
@ConfigurationProperties(prefix = "gateway", ignoreUnknownFields = false)
public record GatewayProperties(
        @DefaultValue @Valid Pool pool,
        @DefaultValue @Valid Demo demo,
        @DefaultValue @Valid Engine engine,
        @DefaultValue @Valid Nbd nbd,
        @DefaultValue @Valid HttpLimits http,
        @DefaultValue @Valid Data data,
        @DefaultValue @Valid Metrics metrics,
        @DefaultValue @Valid Attachments attachments,
        @DefaultValue @Valid SecuritySettings security,
        @DefaultValue @Valid AuditSettings audit) {

    /** The directory of secrets: where {@code gateway.security.path} says, else in the pool. */
    public Path secretsDirectory() {
        final Path path = security.path();
        return path == null ? pool.path().resolve(".security") : path;
    }

    /**
     * The pool.
     *
     * @param path its directory; made if absent
     * @param maxVolumeSize the largest volume that may be made
     */
    public record Pool(
            @DefaultValue("./data") Path path,

            @DefaultValue("64TiB") @ByteSizeBetween(min = "1MiB", max = "4096PiB")
            ByteSize maxVolumeSize) {}

    /**
     * The volume {@code demo}, made when the pool is made.
     *
     * @param enabled whether it is made
     * @param size its size; it is sparse and takes no space
     */
    public record Demo(
            @DefaultValue("true") boolean enabled,

            @DefaultValue("1GiB") @ByteSizeBetween(min = "1MiB", max = "1TiB")
            ByteSize size) {}

    /**
     * The core loops.
     *
     * @param cores the processors to run one each on; none means all that the process may use
     * @param pin whether each is bound to its processor
     * @param memory leasable memory of each; a multiple of 2 MiB
     */
    public record Engine(
            @DefaultValue List<@Min(0) @Max(4095) Integer> cores,
            @DefaultValue("true") boolean pin,

            @DefaultValue("32MiB") @ByteSizeBetween(min = "2MiB", max = "64GiB")
            ByteSize memory) {
        public Engine {
            cores = List.copyOf(cores);
        }
    }

    /**
     * The NBD server.
     *
     * @param enabled whether it listens
     * @param address the address it listens on
     * @param port 0 for any free one
     * @param socket a Unix socket to listen on as well
     * @param defaultExport the volume that the empty export name stands for
     * @param lookupTimeout how long the look-up of an export may take
     * @param drainTimeout how long sessions may take to finish what is in flight when the gateway stops
     * @param limits bounds for clients
     */
    public record Nbd(
            @DefaultValue("true") boolean enabled,
            @DefaultValue("127.0.0.1") InetAddress address,
            @DefaultValue("10809") @Min(0) @Max(65535) int port,
            @Nullable Path socket,
            @Nullable String defaultExport,

            @DefaultValue("5s") @DurationMin(millis = 100) @DurationMax(minutes = 10)
            Duration lookupTimeout,

            @DefaultValue("10s") @DurationMin(millis = 0) @DurationMax(minutes = 10)
            Duration drainTimeout,

            @DefaultValue @Valid NbdLimits limits) {}

    /**
     * A bound on everything that an NBD client could otherwise have without end.
     *
     * @param connections sessions and handshakes at one time
     * @param connectionsPerAddress of these, those of one client address; Unix sockets have none
     * @param handshakes handshakes at one time; beyond it the oldest is cut
     * @param handshakeTime from connect to the end of the handshake
     * @param options options of one handshake
     * @param optionSize data of one option
     * @param requestsPerConnection requests of one connection in flight; more wait in its socket
     * @param memoryPerConnection payload memory of one connection's requests in flight; more wait in its socket
     * @param requestsPerCore requests of all connections of a core in flight
     * @param payloadAdvertised the largest payload that clients are told of
     * @param payloadAccepted the largest payload that is served
     * @param stallTime how long a client may leave replies unread before it is cut
     * @param idleTime how long a session may send nothing before it is cut; 0 for no limit
     */
    public record NbdLimits(
            @DefaultValue("4096") @Min(1) @Max(1_000_000) int connections,
            @DefaultValue("2048") @Min(1) @Max(1_000_000) int connectionsPerAddress,
            @DefaultValue("1024") @Min(1) @Max(1_000_000) int handshakes,

            @DefaultValue("10s") @DurationMin(millis = 100) @DurationMax(hours = 1)
            Duration handshakeTime,

            @DefaultValue("64") @Min(4) @Max(1_000_000) int options,

            @DefaultValue("64KiB") @ByteSizeBetween(min = "8KiB", max = "1MiB")
            ByteSize optionSize,

            @DefaultValue("256") @Min(1) @Max(65_536) int requestsPerConnection,

            @DefaultValue("8MiB") @ByteSizeBetween(min = "4KiB", max = "1TiB")
            ByteSize memoryPerConnection,

            @DefaultValue("16384") @Min(1) @Max(1_048_576) int requestsPerCore,

            @DefaultValue("32MiB") @ByteSizeBetween(min = "1MiB", max = "64MiB")
            ByteSize payloadAdvertised,

            @DefaultValue("64MiB") @ByteSizeBetween(min = "1MiB", max = "256MiB")
            ByteSize payloadAccepted,

            @DefaultValue("30s") @DurationMin(millis = 100) @DurationMax(hours = 24)
            Duration stallTime,

            @DefaultValue("0s") @DurationMin(millis = 0) @DurationMax(days = 365)
            Duration idleTime) {
        /** Whether what is served covers what is advertised. */
        @AssertTrue(message = "payload-accepted must not be below payload-advertised") boolean isPayloadAcceptedEnough() {
            return payloadAccepted.bytes() >= payloadAdvertised.bytes();
        }
    }

    /**
     * Bytes over HTTP. A transfer holds at most {@code chunksInFlight} chunks being read or written, and about four
     * more on their way to a slow client.
     *
     * @param chunkSize the largest read or write that is asked of the data plane; a power of two
     * @param chunksInFlight how many of them a transfer has under way
     * @param maxTransfers transfers at one time; more are answered 503
     */
    public record Data(
            @DefaultValue("256KiB") @ByteSizeBetween(min = "64KiB", max = "1MiB")
            ByteSize chunkSize,

            @DefaultValue("2") @Min(1) @Max(8) int chunksInFlight,
            @DefaultValue("64") @Min(1) @Max(10_000) int maxTransfers) {}

    /**
     * What is published to Prometheus.
     *
     * @param maxVolumes volumes with metrics of their own, the first by name; bounds the number of series
     */
    public record Metrics(
            @DefaultValue("500") @Min(0) @Max(100_000) int maxVolumes) {}

    /**
     * Local block devices, {@code /dev/ublkbN}.
     *
     * @param onStop what becomes of them when the gateway is told to stop; {@code kill -9} always keeps them
     */
    public record Attachments(@DefaultValue("keep") OnStop onStop) {}

    /** What becomes of block devices when the gateway stops. */
    public enum OnStop {
        /**
         * They stay where the kernel can hold their requests back (Linux 6.16), else they are stopped; the next start
         * takes them over or makes them again.
         */
        KEEP,
        /** They are removed, and forgotten. */
        REMOVE
    }
}
