package dev.fusedio.nbd.server;

import dev.fusedio.backend.memory.MemoryBackend;
import dev.fusedio.loop.LoopGroup;
import dev.fusedio.volume.Volume;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** An export whose look-ups are answered by another thread, and only when the test says so. */
final class ExportGate implements TestServer.Volumes, ExportDirectory {
    private final CountDownLatch asked = new CountDownLatch(1);
    private final CountDownLatch open = new CountDownLatch(1);
    private volatile @Nullable Volume volume;

    @Override
    public List<Volume> open(final LoopGroup loops) throws IOException {
        final Volume made = new Volume(TestServer.EXPORT, "", new MemoryBackend(TestServer.SIZE), false);
        volume = made;
        return List.of(made);
    }

    @Override
    public void find(final String name, final String peer, final Consumer<Answer> reply) {
        asked.countDown();
        final Volume found = volume;
        Thread.ofVirtual().start(() -> {
            try {
                if (open.await(30, TimeUnit.SECONDS) && found != null) {
                    reply.accept(new Answer.Found(found));
                }
            } catch (final InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    @Override
    public void list(final String peer, final Consumer<List<Listing>> reply) {
        reply.accept(List.of());
    }

    void awaitQuestion() {
        TestServer.await("the directory is asked", () -> asked.getCount() == 0);
    }

    void answer() {
        open.countDown();
    }
}
