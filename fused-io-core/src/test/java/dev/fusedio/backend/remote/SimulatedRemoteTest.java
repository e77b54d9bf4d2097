package dev.fusedio.backend.remote;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.SocketMechanism;
import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.nbd.client.ClientHandshake;
import dev.fusedio.nbd.client.ExportInfo;
import dev.fusedio.nbd.client.HeaderKind;
import dev.fusedio.nbd.client.ScriptedServer;
import dev.fusedio.nbd.wire.NbdProtocol;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedSocket;
import dev.fusedio.sys.Libc;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import dev.fusedio.volume.ExtentQuery;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * The client on a simulated kernel, against a small server that answers in any order and leaves when it likes. Each seed
 * draws another kernel, another server and other work, and how many of the buffers are a kernel's.
 */
class SimulatedRemoteTest {
    private static final int ROUNDS = 400_000;
    private static final long ROUND_NANOS = 50_000;

    /** After this no read to a kernel's buffer is expected any more, so that the next one comes as a surprise. */
    private static final long PAUSE_NANOS = 150_000_000;

    private static final int BLOCK = 1 << 14;
    private static final int BLOCKS = 12;

    /** Sends that a connection links at most. */
    private static final int CHAIN = 16;

    @Test
    void aServerThatStays() {
        Seeds.forEach(300, seed -> run(seed, SimulatedFaults.benign(seed), 0));
    }

    @Test
    void aServerThatLeavesAndComesBack() {
        Seeds.forEach(300, seed -> run(seed, SimulatedFaults.benign(seed), 4));
    }

    @Test
    void aNetworkThatResetsConnections() {
        Seeds.forEach(200, seed -> run(seed, SimulatedFaults.hostile(seed), 2));
    }

    private static ExportInfo info(final SplittableRandom random) {
        final HeaderKind headers = HeaderKind.values()[random.nextInt(3)];
        int flags = ScriptedServer.FLAGS | NbdProtocol.FLAG_CAN_MULTI_CONN;
        if (random.nextBoolean()) {
            flags &= ~NbdProtocol.FLAG_SEND_FUA;
        }
        if (random.nextBoolean()) {
            flags |= NbdProtocol.FLAG_SEND_DF;
        }
        return new ExportInfo(
                (long) BLOCK * BLOCKS,
                flags,
                1,
                4096,
                random.nextInt(4) == 0 ? 3000 : 1 << 20,
                headers,
                headers == HeaderKind.SIMPLE ? ExportInfo.NO_CONTEXT : 7);
    }

    private static void run(final long seed, final SimulatedFaults faults, final int leavesPerMille) throws Exception {
        final SplittableRandom random = new SplittableRandom(seed ^ 0x00C1_1E47L);
        try (SimulatedLoop loop =
                new SimulatedLoop(seed, faults, SimulatedLoop.Config.of(seed).withEntriesFor(CHAIN))) {
            loop.ring().noticeSystemCalls(Libc.transientInstance());
            final ExportInfo info = info(random);
            final SimulatedExport server = new SimulatedExport(random.split(), info, leavesPerMille);
            final RemoteQueue queue = new RemoteQueue(
                    loop.loop(),
                    info,
                    RemoteOptions.defaults()
                            .withTimes(
                                    Duration.ofSeconds(10),
                                    Duration.ofSeconds(1000),
                                    Duration.ofSeconds(1000),
                                    Duration.ofSeconds(10)),
                    SocketMechanism.values()[random.nextInt(SocketMechanism.values().length)],
                    1 + random.nextInt(3),
                    new SimulatedConnector(loop, server, info, random.split()));
            queue.start(List.of());
            final int lentOfFour = random.nextInt(5);
            final List<Actor> actors = new ArrayList<>();
            for (int i = 0; i < BLOCKS; i++) {
                actors.add(new Actor(loop, new RemoteLane(queue), random.split(), i, info, lentOfFour));
            }
            for (int round = 0; !actors.stream().allMatch(Actor::isDone); round++) {
                assertThat(round).as("rounds").isLessThan(ROUNDS);
                if (round > 20_000) {
                    server.stay();
                }
                actors.forEach(Actor::step);
                server.step();
                loop.runOnce();
                loop.time().advance(random.nextInt(50) == 0 ? PAUSE_NANOS : ROUND_NANOS);
            }
            for (final Actor actor : actors) {
                actor.verify(server.disk());
            }
            final boolean[] closed = {false};
            queue.close(() -> closed[0] = true);
            for (int round = 0; !closed[0]; round++) {
                assertThat(round).as("rounds until it is closed").isLessThan(ROUNDS);
                server.step();
                loop.runOnce();
                loop.time().advance(ROUND_NANOS);
            }
            loop.requireNothingLeased();
            assertThat(loop.ring().installedFiles())
                    .as("files in the ring's table")
                    .isZero();
            assertThat(server.served()).isPositive();
        }
    }

    /** Connects after a while; sometimes it can't at first. */
    private static final class SimulatedConnector implements Connector {
        private final SimulatedLoop loop;
        private final SimulatedExport server;
        private final ExportInfo info;
        private final SplittableRandom random;

        SimulatedConnector(
                final SimulatedLoop loop,
                final SimulatedExport server,
                final ExportInfo info,
                final SplittableRandom random) {
            this.loop = loop;
            this.server = server;
            this.info = info;
            this.random = random;
        }

        @Override
        public void attempt(final Listener listener) {
            final Timer later = new Timer() {
                @Override
                protected void expired() {
                    if (random.nextInt(4) == 0) {
                        listener.onAttempt(null, "no route in this world");
                        return;
                    }
                    final SimulatedSocket socket = loop.ring().socket();
                    server.accept(socket);
                    listener.onAttempt(new ClientHandshake.Established(socket.fd(), info), "");
                }
            };
            loop.loop().timers().schedule(later, loop.loop().now() + random.nextLong(1_000_000));
        }
    }

    /** Works on a block of its own, and knows what must be there. */
    private static final class Actor {
        private final SimulatedLoop loop;
        private final RemoteLane lane;
        private final SplittableRandom random;
        private final long base;
        private final byte[] model = new byte[BLOCK];
        private final boolean extents;
        private final int lentOfFour;
        private int left;
        private int underWay;

        Actor(
                final SimulatedLoop loop,
                final RemoteLane lane,
                final SplittableRandom random,
                final int index,
                final ExportInfo info,
                final int lentOfFour) {
            this.loop = loop;
            this.lane = lane;
            this.random = random;
            this.base = (long) index * BLOCK;
            this.extents = info.headers() != HeaderKind.SIMPLE;
            this.lentOfFour = lentOfFour;
            this.left = 10 + random.nextInt(20);
        }

        boolean isDone() {
            return left == 0 && underWay == 0;
        }

        void verify(final byte[] disk) {
            assertThat(Arrays.copyOfRange(disk, (int) base, (int) base + BLOCK)).isEqualTo(model);
        }

        void step() {
            if (underWay > 0 || left == 0 || random.nextInt(3) == 0) {
                return;
            }
            left--;
            final int at = random.nextInt(BLOCK - 1);
            final int length = 1 + random.nextInt(random.nextBoolean() ? 600 : BLOCK - at) % (BLOCK - at);
            switch (random.nextInt(6)) {
                case 0 -> new Operation().read(at, length);
                case 1 -> new Operation().plain(command -> lane.flush(command));
                case 2 -> {
                    Arrays.fill(model, at, at + length, (byte) 0);
                    new Operation().plain(command -> lane.zero(command, base + at, length, true));
                }
                case 3 -> askExtents();
                default -> { // several that overlap: the last one must win
                    for (int i = random.nextInt(3); i >= 0; i--) {
                        final int from = random.nextInt(BLOCK - 1);
                        final int bytes = 1 + random.nextInt(BLOCK - from);
                        new Operation().write(from, bytes, random.nextInt(3) == 0);
                    }
                }
            }
        }

        private void askExtents() {
            if (!extents) {
                return;
            }
            underWay++;
            final ExtentQuery query = new ExtentQuery(8) {
                @Override
                public void onExtents(final int result) {
                    underWay--;
                    assertThat(result).isZero();
                    assertThat(count()).isOne();
                    assertThat(extentLength(0)).isEqualTo(BLOCK);
                }
            };
            query.ask(base, BLOCK, 8);
            lane.extents(query);
        }

        private interface Issue {
            int on(FusedCommand command);
        }

        private final class Operation implements FusedCommand.Owner {
            private final FusedCommand command = new FusedCommand(loop.loop(), this);
            private MemorySegment pages = MemorySegment.NULL;
            private int index;
            private byte[] expected;

            private void begin(final Issue issue) {
                underWay++;
                final int issued = issue.on(command);
                if (issued != FusedCommand.PENDING) {
                    assertThat(issued).isNotNegative();
                    command.finish(issued);
                }
            }

            void plain(final Issue issue) {
                command.startWithoutBuffer();
                begin(issue);
            }

            /** Has a kernel's pages lent, as a block request has them. */
            private void lend(final int length, final Direction way) {
                pages = Arena.ofAuto().allocate(length);
                index = loop.ring().lend(pages.address(), length);
                command.provideKernelBuffer(index, length, way);
            }

            void read(final int at, final int length) {
                if (random.nextInt(4) < lentOfFour) {
                    lend(length, Direction.DEST);
                } else if (command.lease(length) < 0) {
                    command.dispose();
                    return;
                }
                expected = Arrays.copyOfRange(model, at, at + length);
                begin(with -> lane.read(with, 0, length, base + at));
            }

            void write(final int at, final int length, final boolean durable) {
                final byte[] bytes = new byte[length];
                random.nextBytes(bytes);
                if (random.nextInt(4) < lentOfFour) {
                    lend(length, Direction.SRC);
                    Memory.put(pages.address(), bytes, 0, length);
                } else if (command.lease(length) < 0) {
                    command.dispose();
                    return;
                } else {
                    command.borrow(Direction.DEST, 0, length);
                    Memory.put(command.address(0), bytes, 0, length);
                    command.giveBackNow(0);
                    command.seal();
                }
                System.arraycopy(bytes, 0, model, at, length);
                begin(with -> lane.write(with, 0, length, base + at, durable));
            }

            @Override
            public void onSecondariesDone(final int firstError) {
                if (expected != null && firstError == 0) {
                    assertThat(content()).isEqualTo(expected);
                }
                if (index > 0) {
                    loop.ring().takeBack(index);
                }
                command.finish(firstError);
            }

            private byte[] content() {
                final byte[] back = new byte[command.length()];
                if (index > 0) {
                    Memory.get(pages.address(), back, 0, back.length);
                } else {
                    command.borrow(Direction.DEST, 0, back.length);
                    Memory.get(command.address(0), back, 0, back.length);
                    command.giveBackNow(0);
                }
                return back;
            }

            @Override
            public void onCommandComplete(final int result) {
                assertThat(result).isNotNegative();
                command.dispose();
                underWay--;
            }

            @Override
            public void onFailure(final RuntimeException e) {
                throw new AssertionError("a callback let an exception through", e);
            }
        }
    }
}
