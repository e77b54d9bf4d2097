package dev.fusedio.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.loop.BlockPool;
import dev.fusedio.loop.SimulatedLoop;
import dev.fusedio.ring.SimulatedFaults;
import dev.fusedio.ring.SimulatedSocket;
import dev.fusedio.sys.Memory;
import dev.fusedio.sys.Seeds;
import dev.fusedio.sys.SystemCallException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class StreamChannelTest {
    private static final int SHUT_RDWR = 2;
    private static final int MESSAGE_BYTES = 100_000;

    @Test
    void messagesArriveWholeAndInOrderWhateverTheKernelDoes() {
        Seeds.forEach(200, seed -> {
            try (Fixture fixture = new Fixture(seed, SimulatedFaults.benign(seed))) {
                final SplittableRandom random = new SplittableRandom(seed);
                final List<Message> messages = new ArrayList<>();
                for (int i = 0; i < 5; i++) {
                    messages.add(fixture.message((byte) (i + 1), 1 + random.nextInt(MESSAGE_BYTES)));
                    fixture.channel.add(messages.getLast());
                }
                final List<Byte> got = new ArrayList<>();
                for (int round = 0; messages.stream().anyMatch(message -> !message.isTold); round++) {
                    assertThat(round).as("rounds").isLessThan(100_000);
                    fixture.channel.flush();
                    fixture.loop.runOnce();
                    for (final byte each : fixture.socket.read()) {
                        got.add(each);
                    }
                }
                fixture.loop.run();
                for (final byte each : fixture.socket.read()) {
                    got.add(each);
                }
                int at = 0;
                for (final Message message : messages) {
                    assertThat(message.arrived).isTrue();
                    assertThat(got.subList(at, at + message.bytes)).containsOnly(message.value);
                    at += message.bytes;
                }
                assertThat(got).hasSize(at);
                assertThat(fixture.channel.hasSentAll()).isTrue();
                assertThat(fixture.channel.moved()).isEqualTo(at);
            }
        });
    }

    @Test
    void whoWaitsForAFailedSendIsToldBetweenItsFailureAndItsEnd() throws Exception {
        try (Fixture fixture = new Fixture(1, SimulatedFaults.none())) {
            fixture.channel.add(fixture.message((byte) 1, MESSAGE_BYTES));
            fixture.socket.window(0);
            fixture.channel.flush();
            fixture.socket.reset();
            fixture.loop.run();
            assertThat(fixture.events).containsExactly("failed", "told false", "ended");
        }
    }

    @Test
    void aCutDropsWhatWaitsAndIsQuietWhenTheKernelHasLetGo() throws Exception {
        try (Fixture fixture = new Fixture(1, SimulatedFaults.none())) {
            fixture.channel.receive(0);
            fixture.loop.run();
            fixture.channel.add(fixture.message((byte) 1, 10));
            fixture.channel.cut();
            assertThat(fixture.events).containsExactly("told false");
            assertThat(fixture.channel.isQuiet()).as("its receive is under way").isFalse();
            fixture.channel.flush();
            fixture.channel.receive(0);
            fixture.loop.ring().shutdownDescriptor(fixture.socket.fd(), SHUT_RDWR);
            fixture.loop.run();
            assertThat(fixture.events).containsExactly("told false", "received 0");
            assertThat(fixture.channel.isQuiet()).isTrue();
            fixture.channel.close();
            assertThat(fixture.loop.ring().installedFiles()).isZero();
            assertThat(fixture.channel.window().remaining()).isZero();
        }
    }

    @Test
    void bytesOfNoUseAreDroppedAndTheirBufferGivenBack() throws Exception {
        try (Fixture fixture = new Fixture(1, SimulatedFaults.none())) {
            fixture.takes = false;
            for (int i = 0; i < 100; i++) { // more than there are buffers
                fixture.channel.receive(0);
                fixture.socket.write(new byte[10]);
                fixture.loop.run();
            }
            assertThat(fixture.events).hasSize(100).containsOnly("received 10");
            assertThat(fixture.channel.window().remaining()).isZero();
        }
    }

    @Test
    void bytesAreSentOneBlockAtATime() throws Exception {
        try (Fixture fixture = new Fixture(1, SimulatedFaults.none())) {
            final byte[] all = new byte[GatheredSend.BLOCK_BYTES + 1];
            Arrays.fill(all, (byte) 7);
            assertThat(fixture.channel.sendBytes(all, 0, all.length)).isTrue();
            assertThat(fixture.channel.isSendingBytes()).isTrue();
            fixture.loop.run();
            assertThat(fixture.events).containsExactly("bytes " + GatheredSend.BLOCK_BYTES);
            assertThat(fixture.channel.isSendingBytes()).isFalse();
            assertThat(fixture.socket.read()).hasSize(GatheredSend.BLOCK_BYTES).containsOnly(7);
        }
    }

    /** A channel on a simulated kernel, and what it tells its owner. */
    private static final class Fixture implements StreamChannel.Owner, AutoCloseable {
        private final SimulatedLoop loop;
        private final Arena arena = Arena.ofConfined();
        private final SimulatedSocket socket;
        private final StreamChannel channel;
        private final List<String> events = new ArrayList<>();
        private boolean takes = true;

        Fixture(final long seed, final SimulatedFaults faults) throws SystemCallException {
            loop = new SimulatedLoop(seed, faults);
            socket = loop.ring().socket();
            channel = new StreamChannel(
                    loop.loop(),
                    socket.fd(),
                    this,
                    new BlockPool(arena, GatheredSend.BLOCK_BYTES, 8),
                    new BlockPool(arena, loop.loop().receiveBuffers().bufferBytes(), 8));
            channel.install();
        }

        Message message(final byte value, final int bytes) {
            return new Message(this, value, bytes);
        }

        @Override
        public boolean takesBytes() {
            return takes;
        }

        @Override
        public void onReceived(final int result) {
            events.add("received " + result);
        }

        @Override
        public void onPayload(final int result) {
            events.add("payload " + result);
        }

        @Override
        public void onSent() {
            events.add("sent");
        }

        @Override
        public void onSendFailed(final int result) {
            events.add("failed");
        }

        @Override
        public void onSendEnded() {
            events.add("ended");
        }

        @Override
        public void onBytesSent(final int result) {
            events.add("bytes " + result);
        }

        @Override
        public void onLoopEnd() {
            events.add("loop end");
        }

        @Override
        public void onFailure(final RuntimeException e) {
            throw new AssertionError(e);
        }

        @Override
        public void close() {
            loop.close();
            arena.close();
        }
    }

    private static final class Message extends Outgoing {
        private final Fixture fixture;
        private final byte value;
        private final int bytes;
        private final long payload;
        private boolean isTold;
        private boolean arrived;

        Message(final Fixture fixture, final byte value, final int bytes) {
            this.fixture = fixture;
            this.value = value;
            this.bytes = bytes;
            this.payload = fixture.arena.allocate(bytes, 8).address();
            Memory.fill(payload, bytes, value);
        }

        @Override
        protected long header() {
            return 0;
        }

        @Override
        protected int headerBytes() {
            return 0;
        }

        @Override
        protected long payload() {
            return payload;
        }

        @Override
        protected int payloadBytes() {
            return bytes;
        }

        @Override
        protected boolean isToBeContinued() {
            return false;
        }

        @Override
        protected void onReplySent(final boolean delivered) {
            isTold = true;
            arrived = delivered;
            fixture.events.add("told " + delivered);
        }
    }
}
