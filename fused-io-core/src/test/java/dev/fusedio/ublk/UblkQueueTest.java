package dev.fusedio.ublk;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.Fault;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedFile;
import dev.fusedio.ring.SimulatedUblk;
import dev.fusedio.ring.SimulatedUblk.Request;
import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.InstantBackend;
import dev.fusedio.volume.SimulatedBackend;
import dev.fusedio.volume.Volume;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** A queue between a simulated block layer and a simulated file, with a model of the volume beside it. */
class UblkQueueTest {
    private static final int SECTOR = 512;
    private static final int REGIONS = 16;
    private static final int REGION = 128 << 10;
    private static final int READ = 0;
    private static final int WRITE = 1;
    private static final int FLUSH = 2;
    private static final int DISCARD = 3;
    private static final int WRITE_SAME = 4;
    private static final int WRITE_ZEROES = 5;
    private static final int FUA = 1 << 13;
    private static final int NOUNMAP = 1 << 15;

    /** A queue at work; regions of the volume have one request at a time, so that the model knows what to expect. */
    private static final class Bench implements AutoCloseable {
        final Arena arena = Arena.ofConfined();
        final SimulatedLoop loop;
        final SimulatedFile file;
        final Volume volume;
        final SimulatedUblk ublk;
        final UblkQueue queue;
        final byte[] model = new byte[REGIONS * REGION];
        final Map<Integer, Request> busy = new HashMap<>();
        final List<Integer> results = new ArrayList<>();

        Bench(final long seed, final SimulatedFaults faults, final int depth) throws Exception {
            this(seed, faults, depth, Mechanism.USER_COPY, 0);
        }

        /** @param lendFrom what the storage declares */
        Bench(
                final long seed,
                final SimulatedFaults faults,
                final int depth,
                final Mechanism mechanism,
                final int lendFrom)
                throws Exception {
            loop = new SimulatedLoop(
                    seed, faults, new SimulatedLoop.Config(64, 256, 64, 2L << 20, seed % 2 == 0, 2, 4096));
            loop.ring().offerBufferIndexes(mechanism.lendsPages() ? depth : 0);
            file = loop.ring().file(model.length);
            volume = new Volume("v", "", new SimulatedBackend(file, lendFrom), false);
            final long descriptors = arena.allocate(24L * depth, 8).address();
            ublk = loop.ring().ublk(descriptors, depth);
            final UblkDeviceInfo info = new UblkDeviceInfo(0, 1, depth, UblkOptions.MAX_IO_BYTES, 0, 0, 0, 0);
            queue = new UblkQueue(0, loop.loop(), info, mechanism, 0, volume);
            queue.serve(ublk.fd(), descriptors);
            loop.run();
            assertThat(queue.started()).isCompleted();
        }

        Request submit(final int opFlags, final int region, final int sector, final int sectors, final byte[] data) {
            final Request request = new Request(opFlags, (long) region * (REGION / SECTOR) + sector, sectors, data);
            busy.put(region, request);
            ublk.submit(request);
            return request;
        }

        Request run(final int opFlags, final int region, final int sector, final int sectors, final byte[] data) {
            final Request request = submit(opFlags, region, sector, sectors, data);
            loop.runUntil(() -> request.result() != null);
            busy.clear();
            return request;
        }

        void collect() {
            busy.values().removeIf(request -> {
                if (request.result() != null) {
                    results.add(request.result());
                }
                return request.result() != null;
            });
        }

        void finish() {
            loop.runUntil(() -> busy.values().stream().allMatch(request -> request.result() != null));
            collect();
            ublk.stop();
            loop.run();
            assertThat(queue.ended()).isCompleted();
            assertThat(queue.inFlight()).isZero();
            loop.requireNothingLeased();
            assertThat(loop.ring().isQuiet()).isTrue();
        }

        @Override
        public void close() {
            loop.close();
            arena.close();
        }
    }

    private static byte[] noise(final SplittableRandom random, final int length) {
        final byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        return bytes;
    }

    /** What a request in flight has to come back with. */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares two of them
    private record Expected(Request request, int result, byte @Nullable [] data) {}

    @Test
    void everyRequestIsAnsweredOnceInFullAndReadsSeeWhatWasWritten() {
        Seeds.forEach(60, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            try (Bench bench = new Bench(seed, SimulatedFaults.benign(seed), 1 + random.nextInt(12))) {
                final List<Expected> expected = new ArrayList<>();
                for (int i = 0; i < 150; i++) {
                    final int region = random.nextInt(REGIONS);
                    if (!bench.busy.containsKey(region)) {
                        expected.add(issue(bench, random, region));
                    }
                    bench.loop.runOnce();
                    bench.collect();
                }
                bench.finish();
                for (final Expected each : expected) {
                    assertThat(each.request.result()).isEqualTo(each.result);
                    if (each.data != null) {
                        assertThat(each.request.data()).isEqualTo(each.data);
                    }
                }
                assertThat(bench.queue.requests()).isEqualTo(expected.size());
                assertThat(bench.queue.errors()).isZero();
                assertThat(bench.queue.borrowed()).isZero();
            }
        });
    }

    private static Expected issue(final Bench bench, final SplittableRandom random, final int region) {
        final int sector = random.nextInt(REGION / SECTOR);
        final int sectors = 1 + random.nextInt(REGION / SECTOR - sector);
        final int from = region * REGION + sector * SECTOR;
        final int length = sectors * SECTOR;
        return switch (random.nextInt(6)) {
            case 0, 1 -> {
                final byte[] data = noise(random, length);
                System.arraycopy(data, 0, bench.model, from, length);
                yield new Expected(
                        bench.submit(WRITE | (random.nextBoolean() ? FUA : 0), region, sector, sectors, data),
                        length,
                        null);
            }
            case 2, 3 ->
                new Expected(
                        bench.submit(READ, region, sector, sectors, new byte[length]),
                        length,
                        Arrays.copyOfRange(bench.model, from, from + length));
            case 4 -> {
                Arrays.fill(bench.model, from, from + length, (byte) 0);
                final int how = random.nextBoolean() ? DISCARD : WRITE_ZEROES | (random.nextBoolean() ? NOUNMAP : 0);
                yield new Expected(bench.submit(how, region, sector, sectors, new byte[0]), 0, null);
            }
            default -> {
                final Request flush = new Request(FLUSH, -1, 0, new byte[0]); // as the block layer composes it
                bench.busy.put(region, flush);
                bench.ublk.submit(flush);
                yield new Expected(flush, 0, null);
            }
        };
    }

    @Test
    void anErrorOfTheStorageIsTheRequestsAndNeverAShortSuccess() {
        Seeds.forEach(40, seed -> {
            final SplittableRandom random = new SplittableRandom(seed);
            final SimulatedFaults faults =
                    SimulatedFaults.hostile(seed).with(Fault.EIO, 60).with(Fault.ENOSPC, 60);
            try (Bench bench = new Bench(seed, faults, 4)) {
                final List<Expected> expected = new ArrayList<>();
                for (int i = 0; i < 100; i++) {
                    final int region = random.nextInt(REGIONS);
                    if (!bench.busy.containsKey(region)) {
                        expected.add(issue(bench, random, region));
                    }
                    bench.loop.runOnce();
                    bench.collect();
                }
                bench.finish();
                for (final Expected each : expected) {
                    assertThat(each.request.result()).isIn(each.result, -Errno.EIO, -Errno.ENOSPC);
                }
                assertThat(bench.queue.errors())
                        .isEqualTo(expected.stream()
                                .filter(each -> each.request.result() != null && each.request.result() < 0)
                                .count());
            }
        });
    }

    @Test
    void requestsWaitForMemoryAndAllGetTheirTurn() throws Exception {
        try (Bench bench = new Bench(1, SimulatedFaults.none(), 16)) {
            final long block = bench.loop.loop().slab().lease(1 << 20);
            assertThat(block).isNotZero();
            final List<Request> all = new ArrayList<>();
            for (int region = 0; region < REGIONS; region++) { // 16 times 128 KiB where 1 MiB is left
                all.add(bench.submit(READ, region, 0, REGION / SECTOR, new byte[REGION]));
            }
            bench.loop.runUntil(() -> all.stream().allMatch(request -> request.result() != null));
            assertThat(all).allMatch(request -> Integer.valueOf(REGION).equals(request.result()));
            assertThat(bench.queue.memoryWaits()).isPositive();
            bench.loop.loop().slab().release(block, 1 << 20);
            bench.busy.clear();
            bench.finish();
        }
    }

    @Test
    @DisplayName(
            "fault 19: where a request's pages can't be registered it is copied, and a remote export never hears of them")
    void pagesThatCanNotBeRegisteredAreCopied() throws Exception {
        try (Bench bench = new Bench(2, SimulatedFaults.none(), 4, Mechanism.REGISTRATION, 1)) {
            final SplittableRandom random = new SplittableRandom(19);
            for (int region = 0; region < 8; region++) {
                final byte[] written = noise(random, REGION);
                assertThat(bench.run(WRITE, region, 0, REGION / SECTOR, written).result())
                        .isEqualTo(REGION);
                final Request read = bench.run(READ, region, 0, REGION / SECTOR, new byte[REGION]);
                assertThat(read.result()).isEqualTo(REGION);
                assertThat(read.data()).isEqualTo(written);
            }
            assertThat(bench.ublk.refusedRegistrations()).isEqualTo(16);
            bench.finish();
        }
    }

    @Test
    @DisplayName("fault 5: a failed volume fails a device's flushes and durable requests, and its reads go on")
    void aFailedVolumeMakesNothingDurable() throws Exception {
        try (Bench bench = new Bench(1, SimulatedFaults.none(), 4)) {
            final byte[] sector = new byte[SECTOR];
            assertThat(bench.run(FLUSH, -1, 0, 0, new byte[0]).result()).isZero();
            bench.volume.failure().fail(Errno.ENOSPC); // found by another session
            assertThat(bench.run(FLUSH, -1, 0, 0, new byte[0]).result()).isEqualTo(-Errno.EIO);
            assertThat(bench.run(WRITE | FUA, 0, 0, 1, sector).result()).isEqualTo(-Errno.EIO);
            assertThat(bench.run(DISCARD | FUA, 0, 0, 1, new byte[0]).result()).isEqualTo(-Errno.EIO);
            assertThat(bench.run(WRITE, 0, 0, 1, sector).result()).isEqualTo(SECTOR);
            assertThat(bench.run(READ, 0, 0, 1, sector).result()).isEqualTo(SECTOR);
            bench.finish();
        }
    }

    @Test
    void zeroesAreWrittenWhereTheStorageHasNoQuickerWayAndDiscardSaysSo() throws Exception {
        try (Bench bench = new Bench(2, SimulatedFaults.none(), 2)) {
            bench.file.refuseAllocate();
            final byte[] data = noise(new SplittableRandom(7), REGION);
            assertThat(bench.run(WRITE, 1, 0, REGION / SECTOR, data).result()).isEqualTo(REGION);
            assertThat(bench.run(DISCARD, 1, 0, 8, new byte[0]).result()).isEqualTo(-Errno.EOPNOTSUPP);
            assertThat(bench.run(WRITE_ZEROES, 1, 8, 16, new byte[0]).result()).isZero();
            Arrays.fill(data, 8 * SECTOR, 24 * SECTOR, (byte) 0);
            final Request read = bench.run(READ, 1, 0, REGION / SECTOR, new byte[REGION]);
            assertThat(read.result()).isEqualTo(REGION);
            assertThat(read.data()).isEqualTo(data);
            bench.finish();
        }
    }

    @Test
    @DisplayName("fault 4: 4 GiB of zeroes, written at once where fallocate is not supported, take turns with reads")
    void zeroesTakeTurns() throws Exception {
        final long length = 4L << 30;
        final int depth = 2;
        try (Arena arena = Arena.ofConfined();
                SimulatedLoop loop = new SimulatedLoop(
                        1, SimulatedFaults.none(), new SimulatedLoop.Config(64, 256, 64, 2L << 20, true, 2, 4096))) {
            final InstantBackend backend = new InstantBackend(length);
            final long descriptors = arena.allocate(24L * depth, 8).address();
            final SimulatedUblk ublk = loop.ring().ublk(descriptors, depth);
            final UblkDeviceInfo info = new UblkDeviceInfo(0, 1, depth, UblkOptions.MAX_IO_BYTES, 0, 0, 0, 0);
            final UblkQueue queue =
                    new UblkQueue(0, loop.loop(), info, Mechanism.USER_COPY, 0, new Volume("v", "", backend, false));
            queue.serve(ublk.fd(), descriptors);
            loop.run();
            final Request zeroes = new Request(WRITE_ZEROES | NOUNMAP, 0, (int) (length / SECTOR), new byte[0]);
            ublk.submit(zeroes);
            int reads = 0;
            while (zeroes.result() == null) {
                final long before = backend.writes();
                final Request read = new Request(READ, 0, 8, new byte[8 * SECTOR]);
                ublk.submit(read);
                while (read.result() == null) {
                    loop.runOnce();
                }
                assertThat(backend.writes() - before)
                        .as("slices while a read was answered")
                        .isLessThanOrEqualTo(8);
                reads++;
            }
            assertThat(zeroes.result()).isZero();
            assertThat(backend.written()).isEqualTo(length);
            assertThat(reads).isGreaterThanOrEqualTo((int) (backend.writes() / 8));
            ublk.stop();
            loop.run();
            assertThat(queue.ended()).isCompleted();
            loop.requireNothingLeased();
        }
    }

    @Test
    void whatWasAnnouncedToNobodyIsRefused() throws Exception {
        try (Bench bench = new Bench(3, SimulatedFaults.none(), 2)) {
            assertThat(bench.run(WRITE_SAME, 0, 0, 8, new byte[0]).result()).isEqualTo(-Errno.EOPNOTSUPP);
            final byte[] none = new byte[0];
            assertThat(bench.run(READ, REGIONS, 0, 8, none).result())
                    .as("beyond the volume")
                    .isEqualTo(-Errno.EIO);
            assertThat(bench.run(READ, REGIONS - 1, REGION / SECTOR - 1, 2, none)
                            .result())
                    .as("across its end")
                    .isEqualTo(-Errno.EIO);
            assertThat(bench.run(DISCARD, REGIONS, 0, 1, none).result()).isEqualTo(-Errno.EIO);
            bench.finish();
        }
    }

    @Test
    void errorsThatMeanSomethingElseToTheBlockLayerAreIoErrors() {
        assertThat(Set.of(Errno.EAGAIN, Errno.EBUSY, Errno.ENOMEM, Errno.ENODEV, Errno.EROFS, Errno.EINVAL))
                .allMatch(errno -> BlockErrors.ofBackend(errno) == Errno.EIO);
        assertThat(BlockErrors.ofBackend(Errno.EDQUOT)).isEqualTo(Errno.ENOSPC);
        assertThat(BlockErrors.ofBackend(Errno.EOPNOTSUPP)).isEqualTo(Errno.EOPNOTSUPP);
        assertThat(BlockErrors.ofBackend(Errno.ETIMEDOUT)).isEqualTo(Errno.ETIMEDOUT);
    }
}
