package dev.fusedio.sys;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The running kernel and the limits it put on this process.
 *
 * @param release as {@code uname -r} prints it
 * @param machine as {@code uname -m} prints it
 * @param lockedMemoryBytes RLIMIT_MEMLOCK's soft limit; -1 for no limit
 * @param openFiles RLIMIT_NOFILE's soft limit; -1 for no limit
 */
public record KernelInfo(String release, String machine, long lockedMemoryBytes, long openFiles) {
    private static final int UTSNAME_FIELD = 65;

    /** Reads them. Any thread. */
    public static KernelInfo read() {
        try (Arena arena = Arena.ofConfined()) {
            final Libc libc = new Libc(arena);
            final MemorySegment uts = arena.allocate(6L * UTSNAME_FIELD);
            libc.threads().uname(uts.address());
            return new KernelInfo(
                    uts.getString(2L * UTSNAME_FIELD),
                    uts.getString(4L * UTSNAME_FIELD),
                    limit(libc, arena, ThreadCalls.RLIMIT_MEMLOCK),
                    limit(libc, arena, ThreadCalls.RLIMIT_NOFILE));
        }
    }

    private static long limit(final Libc libc, final Arena arena, final int resource) {
        final MemorySegment limits = arena.allocate(16, 8);
        return libc.threads().getrlimit(resource, limits.address()) < 0 ? -1 : Memory.getLong(limits.address());
    }
}
