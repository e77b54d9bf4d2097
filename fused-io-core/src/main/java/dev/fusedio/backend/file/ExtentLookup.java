package dev.fusedio.backend.file;

import dev.fusedio.loop.CoreLoop;
import dev.fusedio.sys.Errno;
import dev.fusedio.volume.ExtentQuery;
import java.util.function.IntSupplier;

/**
 * A search for extents on a thread that may block. Whatever happens there, the query is answered on its loop: with -EIO
 * where the search throws, so that its request ends and can be asked again.
 */
final class ExtentLookup implements Runnable {

    private final CoreLoop loop;
    private final ExtentQuery query;
    private final IntSupplier search;
    private final Runnable answer = this::answer; // made beforehand: after an OutOfMemoryError it could not be
    private int result = -Errno.EIO;

    /** @param search fills the query in, on the thread that may block */
    ExtentLookup(final CoreLoop loop, final ExtentQuery query, final IntSupplier search) {
        this.loop = loop;
        this.query = query;
        this.search = search;
    }

    @Override
    public void run() {
        try {
            result = search.getAsInt();
        } catch (final RuntimeException e) {
            loop.errors().accept(e);
        } finally { // an Error goes on to the thread's handler, after the answer
            loop.post(answer);
        }
    }

    private void answer() {
        query.onExtents(result);
    }
}
