package dev.fusedio.gateway.web;

import static org.assertj.core.api.Assertions.assertThat;

import dev.fusedio.gateway.config.HttpLimits;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.channel.embedded.EmbeddedChannel;
import io.netty.handler.codec.http.DefaultFullHttpRequest;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.DefaultHttpContent;
import io.netty.handler.codec.http.DefaultHttpRequest;
import io.netty.handler.codec.http.DefaultLastHttpContent;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The deadlines, by a clock that stands until it is told to go on. */
class ClientDeadlinesTest {
    private static final HttpLimits LIMITS = new HttpLimits(10, Duration.ofSeconds(10), Duration.ofSeconds(60));

    private final List<ClientCut> cuts = new ArrayList<>();
    private final HeldWrites socket = new HeldWrites();
    private EmbeddedChannel channel;

    @BeforeEach
    void connect() {
        channel = new EmbeddedChannel(false, false);
        channel.config().setAutoRead(false);
        channel.pipeline().addLast(socket, new ClientDeadlines(LIMITS, cuts::add));
        try {
            channel.register();
        } catch (final Exception e) {
            throw new AssertionError(e);
        }
        channel.freezeTime();
    }

    @AfterEach
    void close() {
        channel.finishAndReleaseAll();
    }

    @Test
    void aHeadHasItsTimeFromTheConnectionOn() {
        pass(9);
        assertThat(channel.isOpen()).isTrue();
        pass(5);
        assertCut(ClientCut.HEAD);
    }

    @Test
    void aBodyMayBeSlowButNotStill() {
        channel.writeInbound(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.PUT, "/"));
        for (int part = 0; part < 10; part++) {
            channel.read();
            pass(50);
            channel.writeInbound(new DefaultHttpContent(Unpooled.EMPTY_BUFFER));
        }
        assertThat(channel.isOpen()).isTrue();
        channel.read();
        pass(80);
        assertCut(ClientCut.BODY);
    }

    @Test
    void whoIsNotReadFromKeepsNobodyWaiting() {
        channel.writeInbound(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.PUT, "/"));
        pass(10_000);
        assertThat(channel.isOpen()).isTrue();
        channel.writeInbound(LastHttpContent.EMPTY_LAST_CONTENT);
        pass(10_000);
        assertThat(channel.isOpen())
                .as("the answer is not the client's to give")
                .isTrue();
    }

    @Test
    void anAnswerMayBeTakenSlowlyButNotLeft() {
        request();
        for (int part = 0; part < 10; part++) {
            final var _ = channel.writeOneOutbound(new DefaultHttpContent(Unpooled.EMPTY_BUFFER));
        }
        for (int part = 0; part < 5; part++) {
            pass(50);
            socket.take();
        }
        assertThat(channel.isOpen()).isTrue();
        pass(80);
        assertCut(ClientCut.ANSWER);
    }

    @Test
    void theNextHeadHasItsTimeWhenTheAnswerIsTaken() {
        for (int request = 0; request < 3; request++) {
            request();
            pass(1_000);
            final var _ = channel.writeOneOutbound(new DefaultLastHttpContent());
            socket.take();
            pass(60);
        }
        assertThat(channel.isOpen()).isTrue();
        pass(15);
        assertCut(ClientCut.HEAD);
    }

    @Test
    void aContinueIsNoAnswer() {
        channel.writeInbound(new DefaultHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.PUT, "/"));
        final var _ = channel.writeOneOutbound(
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
        socket.take();
        channel.writeInbound(LastHttpContent.EMPTY_LAST_CONTENT);
        pass(10_000);
        assertThat(channel.isOpen())
                .as("the gateway may take its time to answer")
                .isTrue();
    }

    private void request() {
        channel.writeInbound(new DefaultFullHttpRequest(HttpVersion.HTTP_1_1, HttpMethod.GET, "/"));
    }

    private void pass(final int seconds) {
        channel.advanceTimeBy(seconds, TimeUnit.SECONDS);
        channel.runScheduledPendingTasks();
    }

    private void assertCut(final ClientCut cut) {
        assertThat(channel.isOpen()).isFalse();
        assertThat(cuts).containsExactly(cut);
    }

    /** A socket whose client takes one message when told. */
    private static final class HeldWrites extends ChannelDuplexHandler {
        private final Deque<ChannelPromise> held = new ArrayDeque<>();

        @Override
        public void write(final ChannelHandlerContext context, final Object message, final ChannelPromise promise) {
            held.add(promise);
        }

        void take() {
            held.remove().setSuccess();
        }
    }
}
