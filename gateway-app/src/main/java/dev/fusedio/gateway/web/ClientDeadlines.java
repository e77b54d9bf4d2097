package dev.fusedio.gateway.web;

import dev.fusedio.gateway.config.HttpLimits;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpStatusClass;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Cuts a connection whose client keeps it waiting: for a request's head, for the rest of a body, or for room in the socket. Time in
 * which this side does not read counts against nobody. Sits behind the codec, sees each message once, and belongs to one connection.
 */
final class ClientDeadlines extends ChannelDuplexHandler {
    /** How often a connection is looked at, as a share of the shorter limit. */
    private static final int LOOKS = 4;

    private final long headTime;
    private final long stallTime;
    private final Consumer<ClientCut> cuts;
    private @Nullable Future<?> watch;

    /** Between a request that is whole and answered, and the next one's head. */
    private boolean awaitingHead = true;

    private boolean requestWhole;
    private boolean answered;
    private long headDeadline;

    /** A read was asked for and nothing has come. */
    private boolean reading;

    private long readSince;
    private int writes;
    private long writeSince;

    ClientDeadlines(final HttpLimits limits, final Consumer<ClientCut> cuts) {
        this.headTime = limits.headTime().toNanos();
        this.stallTime = limits.stallTime().toNanos();
        this.cuts = cuts;
    }

    @Override
    public void channelActive(final ChannelHandlerContext context) {
        headDeadline = now(context) + headTime;
        final long period = Math.max(Math.min(headTime, stallTime) / LOOKS, TimeUnit.MILLISECONDS.toNanos(10));
        watch = context.executor().scheduleAtFixedRate(() -> look(context), period, period, TimeUnit.NANOSECONDS);
        context.fireChannelActive();
    }

    @Override
    public void channelInactive(final ChannelHandlerContext context) {
        stopWatching();
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(final ChannelHandlerContext context) {
        stopWatching();
    }

    @Override
    public void read(final ChannelHandlerContext context) {
        if (!reading) {
            reading = true;
            readSince = now(context);
        }
        context.read();
    }

    @Override
    public void channelRead(final ChannelHandlerContext context, final Object message) {
        reading = false;
        if (message instanceof HttpRequest) {
            awaitingHead = false;
            requestWhole = false;
            answered = false;
        }
        if (message instanceof LastHttpContent) {
            requestWhole = true;
            awaitNextHead(context);
        }
        context.fireChannelRead(message);
    }

    @Override
    public void write(final ChannelHandlerContext context, final Object message, final ChannelPromise promise) {
        if (writes++ == 0) {
            writeSince = now(context);
        }
        final boolean last = message instanceof LastHttpContent && !isInterim(message);
        final ChannelPromise written = promise.unvoid();
        final var _ = written.addListener(done -> {
            writes--;
            writeSince = now(context);
            if (last) {
                answered = true;
                awaitNextHead(context);
            }
        });
        final var _ = context.write(message, written);
    }

    /** A 100 (Continue) is a whole message, and not the answer (RFC 9110, section 15.2). */
    private static boolean isInterim(final Object message) {
        return message instanceof final HttpResponse response
                && response.status().codeClass() == HttpStatusClass.INFORMATIONAL;
    }

    private void awaitNextHead(final ChannelHandlerContext context) {
        if (requestWhole && answered && !awaitingHead) {
            awaitingHead = true;
            // The server's idle time-out closes a connection on which nothing comes; this bounds one on which little
            // does.
            headDeadline = now(context) + stallTime + headTime;
        }
    }

    private void look(final ChannelHandlerContext context) {
        final long now = now(context);
        if (awaitingHead && writes == 0 && now - headDeadline > 0) {
            cut(context, ClientCut.HEAD);
        } else if (!awaitingHead && !requestWhole && reading && now - readSince > stallTime) {
            cut(context, ClientCut.BODY);
        } else if (writes > 0 && now - writeSince > stallTime) {
            cut(context, ClientCut.ANSWER);
        }
    }

    private void cut(final ChannelHandlerContext context, final ClientCut cut) {
        stopWatching();
        cuts.accept(cut);
        final var _ = context.close();
    }

    private void stopWatching() {
        if (watch != null) {
            watch.cancel(false);
        }
    }

    private static long now(final ChannelHandlerContext context) {
        return context.executor().ticker().nanoTime();
    }
}
