package dev.fusedio.backend.remote;

import dev.fusedio.fused.Direction;
import dev.fusedio.fused.FusedCommand;
import dev.fusedio.loop.CoreLoop;
import dev.fusedio.loop.Timer;
import dev.fusedio.sys.Memory;
import dev.fusedio.volume.Backend;
import dev.fusedio.volume.BackendLane;
import dev.fusedio.volume.ExtentQuery;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** A backend's lane on one loop, used from the thread of a test. Operations end with 0 or a negated error number. */
final class RemoteDevice implements AutoCloseable {
    private static final long STUCK_SECONDS = 60;

    private final CoreLoop loop;
    private final BackendLane lane;

    /** An operation on the lane; returns as it does. */
    @FunctionalInterface
    private interface Issue {
        int on(FusedCommand command);
    }

    RemoteDevice(final Backend backend, final CoreLoop loop) {
        this.loop = loop;
        final CompletableFuture<BackendLane> attached = new CompletableFuture<>();
        loop.execute(() -> attached.complete(backend.attach(loop)));
        this.lane = get(attached);
    }

    static <T> T get(final CompletableFuture<T> future) {
        try {
            return future.get(STUCK_SECONDS, TimeUnit.SECONDS);
        } catch (final TimeoutException e) {
            throw new AssertionError("what was awaited hasn't come", e);
        } catch (final ExecutionException e) {
            throw new AssertionError(e.getCause());
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new AssertionError(e);
        }
    }

    CompletableFuture<Integer> read(final byte[] target, final long position) {
        return run(new Access(target, true, command -> lane.read(command, 0, target.length, position)));
    }

    CompletableFuture<Integer> write(final byte[] source, final long position, final boolean durable) {
        return run(new Access(source, false, command -> lane.write(command, 0, source.length, position, durable)));
    }

    CompletableFuture<Integer> flush() {
        return run(new Access(new byte[0], false, lane::flush));
    }

    CompletableFuture<Integer> trim(final long position, final long length) {
        return run(new Access(new byte[0], false, command -> lane.trim(command, position, length)));
    }

    CompletableFuture<Integer> zero(final long position, final long length, final boolean mayTrim) {
        return run(new Access(new byte[0], false, command -> lane.zero(command, position, length, mayTrim)));
    }

    CompletableFuture<Integer> cache(final long position, final int length) {
        return run(new Access(new byte[0], false, command -> lane.cache(command, position, length)));
    }

    private CompletableFuture<Integer> run(final Access access) {
        if (!loop.execute(access::expired)) {
            throw new AssertionError("the loop takes no more work");
        }
        return access.done;
    }

    /** "data 4096, hole 8192, …" or the error's number. */
    CompletableFuture<String> extents(final long position, final long length, final int maximum) {
        final CompletableFuture<String> answer = new CompletableFuture<>();
        final ExtentQuery query = new ExtentQuery(64) {
            @Override
            public void onExtents(final int result) {
                final StringBuilder list = new StringBuilder();
                for (int i = 0; result == 0 && i < count(); i++) {
                    list.append(i == 0 ? "" : ", ")
                            .append(extentState(i) == DATA ? "data " : "hole ")
                            .append(extentLength(i));
                }
                answer.complete(result == 0 ? list.toString() : Integer.toString(result));
            }
        };
        query.ask(position, length, maximum);
        loop.execute(() -> lane.extents(query));
        return answer;
    }

    @Override
    public void close() {
        final CompletableFuture<Void> detached = new CompletableFuture<>();
        loop.execute(() -> {
            lane.detach();
            detached.complete(null);
        });
        get(detached);
    }

    private final class Access extends Timer implements FusedCommand.Owner {
        private final CompletableFuture<Integer> done = new CompletableFuture<>();
        private final byte[] bytes;
        private final boolean reads;
        private final Issue issue;
        private FusedCommand command;

        private Access(final byte[] bytes, final boolean reads, final Issue issue) {
            this.bytes = bytes;
            this.reads = reads;
            this.issue = issue;
        }

        @Override
        protected void expired() {
            command = new FusedCommand(loop, this);
            if (bytes.length == 0) {
                command.startWithoutBuffer();
            } else if (command.lease(bytes.length) < 0) {
                command.dispose();
                loop.timers().schedule(this, loop.now() + 1_000_000);
                return;
            } else if (!reads) {
                command.borrow(Direction.DEST, 0, bytes.length);
                Memory.put(command.address(0), bytes, 0, bytes.length);
                command.giveBackNow(0);
                command.seal();
            }
            final int issued = issue.on(command);
            if (issued != FusedCommand.PENDING) {
                end(issued);
            }
        }

        private void end(final int result) {
            if (result >= 0 && reads) {
                command.borrow(Direction.DEST, 0, bytes.length);
                Memory.get(command.address(0), bytes, 0, bytes.length);
                command.giveBackNow(0);
            }
            command.finish(result);
        }

        @Override
        public void onSecondariesDone(final int firstError) {
            end(firstError);
        }

        @Override
        public void onCommandComplete(final int result) {
            command.dispose();
            done.complete(Math.min(result, 0));
        }

        @Override
        public void onFailure(final RuntimeException e) {
            done.completeExceptionally(e);
        }
    }
}
