package dev.fusedio.gateway.catalogue;

import java.nio.file.Path;
import java.util.List;

/**
 * The pool at one moment.
 *
 * @param directory where it is
 * @param totalBytes of the file system below
 * @param usableBytes what can still be written to it
 * @param volumes how many there are, damaged ones included
 * @param damaged those that are set aside
 */
public record PoolReport(Path directory, long totalBytes, long usableBytes, int volumes, List<Volume.Damaged> damaged) {
    public PoolReport {
        damaged = List.copyOf(damaged);
    }
}
