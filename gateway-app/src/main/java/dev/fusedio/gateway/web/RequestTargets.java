package dev.fusedio.gateway.web;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpLineException;
import io.netty.util.ReferenceCountUtil;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.springframework.http.MediaType;

/**
 * Refuses requests whose address can't be read or is not what it looks like, with a problem that says why: behind this
 * the server would answer them without a word and warn of each in the log, which anybody could fill so. Belongs to one
 * connection.
 */
final class RequestTargets extends ChannelInboundHandlerAdapter {
    /** For the client to read the answer, which a connection that is closed on what it still sends takes away. */
    private static final long LINGER_SECONDS = 1;

    private final RefusedTargets told;
    private boolean refused;

    /** @param told of each that is refused */
    RequestTargets(final RefusedTargets told) {
        this.told = told;
    }

    @Override
    public void channelRead(final ChannelHandlerContext context, final Object message) {
        if (!refused && message instanceof final HttpRequest request) {
            refusal(request).ifPresent(refusal -> refuse(context, request, refusal));
        }
        if (refused) {
            ReferenceCountUtil.release(message);
        } else {
            context.fireChannelRead(message);
        }
    }

    @Override
    public void channelReadComplete(final ChannelHandlerContext context) {
        if (refused) {
            context.read(); // nobody behind this asks for what is left of the request
        } else {
            context.fireChannelReadComplete();
        }
    }

    private static Optional<Refusal> refusal(final HttpRequest request) {
        if (request.decoderResult().cause() instanceof TooLongHttpLineException) {
            return Optional.of(new Refusal(
                    ProblemType.URI_TOO_LONG, "A request's first line may have 4096 bytes, and this one has more."));
        }
        if (request.decoderResult().isFailure()) {
            return Optional.empty();
        }
        final String target = request.uri();
        try {
            final String path = new URI(target.startsWith("/") ? "http://host" + target : target).getRawPath();
            return path != null && path.indexOf(';') >= 0
                    ? invalid("A path has no parameters here: write ';' as %3B.")
                    : Optional.empty();
        } catch (final URISyntaxException e) {
            return invalid("The address is no URI: what is none of its characters is written as %XX, and '%' as %25.");
        }
    }

    private static Optional<Refusal> invalid(final String detail) {
        return Optional.of(new Refusal(ProblemType.INVALID_REQUEST, detail));
    }

    private void refuse(final ChannelHandlerContext context, final HttpRequest request, final Refusal refusal) {
        refused = true;
        final String id = RequestIds.of(request.headers().get(RequestIds.HEADER));
        told.refused(refusal.of(request, id, context.channel().remoteAddress()));
        final byte[] problem = refusal.json(id).getBytes(StandardCharsets.UTF_8);
        final ByteBuf body =
                HttpMethod.HEAD.equals(request.method()) ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(problem);
        final DefaultFullHttpResponse answer = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1,
                HttpResponseStatus.valueOf(refusal.type.status().value()),
                body);
        answer.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, MediaType.APPLICATION_PROBLEM_JSON_VALUE)
                .setInt(HttpHeaderNames.CONTENT_LENGTH, problem.length)
                .set(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE)
                .set(RequestIds.HEADER, id);
        final var _ = context.writeAndFlush(answer);
        final Runnable close = () -> closed(context);
        final var _ = context.executor().schedule(close, LINGER_SECONDS, TimeUnit.SECONDS);
        context.read();
    }

    private static void closed(final ChannelHandlerContext context) {
        final var _ = context.close();
    }

    /** Why one is refused; no text in it needs to be escaped. */
    private record Refusal(ProblemType type, String detail) {
        String json(final String requestId) {
            return "{\"type\":\"%s\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\",\"code\":\"%s\",\"requestId\":\"%s\"}"
                    .formatted(type.uri(), type.title(), type.status().value(), detail, type.code(), requestId);
        }

        RefusedTarget of(final HttpRequest request, final String requestId, final SocketAddress remote) {
            final boolean isRead = type != ProblemType.URI_TOO_LONG; // else another line stands in for it
            return new RefusedTarget(
                    requestId,
                    remote instanceof final InetSocketAddress address ? address.getAddress() : null,
                    isRead ? request.method().name() : null,
                    isRead ? resource(request.uri()) : null,
                    type);
        }

        /** Without a scheme, a host and what stands before it, which could be a password. */
        private static String resource(final String target) {
            final int scheme = target.startsWith("/") ? -1 : target.indexOf("://");
            final int path = target.indexOf('/', scheme < 0 ? 0 : scheme + "://".length());
            return path < 0 ? "" : target.substring(path);
        }
    }
}
