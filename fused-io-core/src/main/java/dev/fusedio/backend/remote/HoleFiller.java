package dev.fusedio.backend.remote;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FileTransfer;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.fused.RingFile;
import dev.fusedio.loop.Completable;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Errno;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Fills what a server called a hole with zeroes, in buffers that are a kernel's: nothing but an operation of the ring
 * reaches these. A request isn't over, nor sent again, before its holes are filled. The loop's thread only.
 */
final class HoleFiller implements Completable {
    /** Holes that are filled at one time; a server that sends more, and faster than memory is written, fails its reads. */
    private static final int MAX_FILLS = 1024;

    private static final int O_RDONLY_CLOEXEC = 0x80000;

    private static final class Fill {
        private final FileTransfer transfer = new FileTransfer();
        private @Nullable RemoteRequest request;
        private int nextFree;
    }

    private final CoreLoop loop;
    private final Consumer<RemoteRequest> whenFilled;
    private final List<Fill> fills = new ArrayList<>();
    private int firstFree = -1;
    private int underWay;
    private @Nullable RingFile zeroes;
    private int descriptor = -1;
    private int slot;
    private boolean closing;

    /**
     * On any thread, as a {@link RemoteQueue} is made.
     *
     * @param whenFilled is told of a request none of whose holes is being filled any more
     */
    HoleFiller(final CoreLoop loop, final Consumer<RemoteRequest> whenFilled) {
        this.loop = loop;
        this.whenFilled = whenFilled;
    }

    /**
     * Begins to fill a part of a request's buffer, which is on loan to it.
     *
     * @return 0; or a negated error number, and then nothing has begun
     */
    int fill(final RemoteRequest request, final int offset, final int length) {
        final FusedCommand command = request.command();
        if (command == null) {
            throw new IllegalStateException("a hole in what has no buffer");
        }
        if (zeroes == null) {
            final int opened = loop.libc().files().open("/dev/zero", O_RDONLY_CLOEXEC, 0);
            if (opened < 0) {
                return opened;
            }
            descriptor = opened;
            slot = loop.register(this);
            zeroes = RingFile.install(loop, opened);
        }
        if (firstFree < 0 && fills.size() == MAX_FILLS) {
            return -Errno.EBUSY;
        }
        if (firstFree < 0) {
            final Fill added = new Fill();
            added.nextFree = -1;
            firstFree = fills.size();
            fills.add(added);
        }
        final int index = firstFree;
        final Fill fill = fills.get(index);
        firstFree = fill.nextFree;
        fill.request = request;
        request.filling++;
        underWay++;
        fill.transfer.start(
                loop, Direction.DEST, command.kernelBuffer(), zeroes, 0, offset, length, 0, loop.userData(slot, index));
        return 0;
    }

    @Override
    public void onCompletion(final int index, final int result, final int flags) {
        final Fill fill = fills.get(index);
        final RemoteRequest request = fill.request;
        if (request == null) {
            throw new IllegalStateException("a hole was filled twice");
        }
        final int outcome = fill.transfer.advance(loop, result, loop.userData(slot, index));
        if (outcome == FusedCommand.PENDING) {
            return;
        }
        fill.request = null;
        fill.nextFree = firstFree;
        firstFree = index;
        underWay--;
        request.filling--;
        if (outcome < 0) {
            request.noteError(Errno.EIO);
        }
        if (request.filling == 0) {
            whenFilled.accept(request);
        }
        releaseWhenIdle();
    }

    @Override
    public void onFailure(final RuntimeException e) {
        // the loop has reported it; a request that it was for stays open, and its pages with it
    }

    /** Lets go of what it has, when the last hole is filled. */
    void close() {
        closing = true;
        releaseWhenIdle();
    }

    private void releaseWhenIdle() {
        if (closing && underWay == 0 && zeroes != null) {
            zeroes.remove(loop);
            zeroes = null;
            loop.libc().files().close(descriptor);
            loop.release(slot);
        }
    }
}
