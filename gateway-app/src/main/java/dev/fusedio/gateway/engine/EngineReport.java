package dev.fusedio.gateway.engine;

import java.util.List;

/**
 * The data plane and the kernel below it.
 *
 * @param running whether every core loop is alive
 * @param kernelRelease as {@code uname -r} prints it
 * @param machine as {@code uname -m} prints it
 * @param cores the processors with a core loop
 * @param granted ring features in use, as the kernel's headers spell them
 * @param refused those that were asked for in vain
 * @param lockedMemoryLimitBytes RLIMIT_MEMLOCK; -1 for no limit
 * @param openFilesLimit RLIMIT_NOFILE; -1 for no limit
 */
public record EngineReport(
        boolean running,
        String kernelRelease,
        String machine,
        List<Integer> cores,
        List<String> granted,
        List<Refusal> refused,
        long lockedMemoryLimitBytes,
        long openFilesLimit) {
    public EngineReport {
        cores = List.copyOf(cores);
        granted = List.copyOf(granted);
        refused = List.copyOf(refused);
    }

    /**
     * A feature that is not in use.
     *
     * @param feature the kernel's name for it
     * @param reason why, and where there is a remedy, which
     */
    public record Refusal(String feature, String reason) {}
}
