package dev.fusedio.volume;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Errno;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A volume that is open: its backend, what front ends may do with it, and what they did. Loops use it through lanes
 * that they share among their connections.
 */
public final class Volume implements AutoCloseable {
    private static final long DETACH_SECONDS = 5;

    private final String name;
    private final String description;
    private final Backend backend;
    private final boolean readOnly;
    private final BackendCapabilities capabilities;
    private final FailureLatch failure;
    private final List<Lane> lanes = new CopyOnWriteArrayList<>();

    /**
     * @param name by which clients ask for it
     * @param description for people; may be empty
     * @param readOnly whether writing is refused although the backend could
     */
    public Volume(final String name, final String description, final Backend backend, final boolean readOnly) {
        this(name, description, backend, readOnly, new FailureLatch());
    }

    /**
     * As the other, for one of several volumes on a backend, which fail together.
     *
     * @param failure the backend's
     */
    public Volume(
            final String name,
            final String description,
            final Backend backend,
            final boolean readOnly,
            final FailureLatch failure) {
        this.failure = failure;
        this.name = name;
        this.description = description;
        this.backend = backend;
        this.readOnly = readOnly || backend.capabilities().readOnly();
        this.capabilities = this.readOnly ? backend.capabilities().asReadOnly() : backend.capabilities();
    }

    public String name() {
        return name;
    }

    public String description() {
        return description;
    }

    public Backend backend() {
        return backend;
    }

    public boolean readOnly() {
        return readOnly;
    }

    /** What may be done with it: the backend's, less what read-only takes away. */
    public BackendCapabilities capabilities() {
        return capabilities;
    }

    /** Bytes, as of now. */
    public long size() {
        return backend.size();
    }

    /**
     * Whether a flush or a durable write has failed, so that all of them fail until the volume is opened again. Any
     * thread.
     */
    public FailureLatch failure() {
        return failure;
    }

    /** The loop's lane, made at its first use. The loop's thread only. Each call is paired with {@link Lane#release}. */
    public Lane acquire(final CoreLoop loop) {
        Lane lane = find(loop);
        if (lane == null) {
            final BackendLane plain = backend.attach(loop);
            lane = new Lane(loop, backend.tellsFailureOnce() ? new LatchedLane(plain, failure) : plain);
            lanes.add(lane);
        }
        lane.users++;
        return lane;
    }

    private @Nullable Lane find(final CoreLoop loop) {
        for (final Lane lane : lanes) {
            if (lane.loop == loop) {
                return lane;
            }
        }
        return null;
    }

    /** The counts over all cores. Any thread. */
    public VolumeStatistics statistics() {
        final List<VolumeStatistics.Operation> operations = new ArrayList<>();
        long inFlight = 0;
        for (final Lane lane : lanes) {
            inFlight += lane.counters.inFlight();
        }
        for (final VolumeOperation operation : VolumeOperation.values()) {
            operations.add(sum(operation));
        }
        return new VolumeStatistics(List.copyOf(operations), inFlight, lanes.size());
    }

    private VolumeStatistics.Operation sum(final VolumeOperation operation) {
        final int index = operation.ordinal();
        final long[] latency = new long[LatencyHistogram.BUCKETS];
        final Map<String, Long> errors = new HashMap<>();
        long count = 0;
        long bytes = 0;
        long nanos = 0;
        for (final Lane lane : lanes) {
            final VolumeCounters counters = lane.counters;
            count += counters.operations(index);
            bytes += counters.bytes(index);
            nanos += counters.latency(index).sumNanos();
            for (int bucket = 0; bucket < latency.length; bucket++) {
                latency[bucket] += counters.latency(index).count(bucket);
            }
            for (int error = 0; error < VolumeCounters.ERRNOS.length; error++) {
                final long times = counters.errors(index, error);
                if (times > 0) {
                    final int errno = VolumeCounters.ERRNOS[error];
                    errors.merge(errno == 0 ? "other" : Errno.name(errno), times, Long::sum);
                }
            }
        }
        return new VolumeStatistics.Operation(operation, count, bytes, Map.copyOf(errors), latency, nanos);
    }

    /**
     * Detaches the lanes from their loops and closes the backend. Front ends have ended their sessions before. Waits
     * for the loops; not on one of them.
     */
    @Override
    public void close() throws IOException {
        final CountDownLatch detached = new CountDownLatch(lanes.size());
        for (final Lane lane : lanes) {
            final Runnable detach = () -> {
                lane.backend.detach();
                detached.countDown();
            };
            if (!lane.loop.post(detach)) {
                detached.countDown(); // it has ended, and its ring with it
            }
        }
        lanes.clear();
        try {
            if (!detached.await(DETACH_SECONDS, TimeUnit.SECONDS)) {
                throw new IOException("volume " + name + ": a core loop did not let go of it within " + DETACH_SECONDS
                        + " s; it stays open");
            }
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("volume " + name + ": interrupted while closing", e);
        }
        backend.close();
    }

    /** A volume as one loop uses it. Kept, idle, when its last user has left, and with it its counts. */
    public static final class Lane {
        private final CoreLoop loop;
        private final VolumeCounters counters = new VolumeCounters();
        private final BackendLane backend;
        private int users;

        private Lane(final CoreLoop loop, final BackendLane backend) {
            this.loop = loop;
            this.backend = backend;
        }

        public BackendLane backend() {
            return backend;
        }

        public VolumeCounters counters() {
            return counters;
        }

        /** Ends one use. The loop's thread only. */
        public void release() {
            if (users == 0) {
                throw new IllegalStateException("a lane was released more often than acquired");
            }
            users--;
        }

        /** Users at this moment. The loop's thread only. */
        public int users() {
            return users;
        }
    }
}
