package dev.fusedio.ring;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The places of a simulated ring's buffer table that block requests' pages are in, from 1 on. */
final class SimulatedLentBuffers {
    private record Pages(long address, int length) {}

    private final Map<Integer, Pages> lent = new HashMap<>();

    /** Returns the index. */
    int add(final long address, final int length) {
        int index = 1;
        while (lent.containsKey(index)) {
            index++;
        }
        lent.put(index, new Pages(address, length));
        return index;
    }

    /** Fails when one of the operations uses these pages. */
    void remove(final int index, final List<SimulatedOperation> active) {
        final Pages pages = lent.remove(index);
        if (pages == null) {
            throw new IllegalArgumentException("no buffer " + index + " is lent");
        }
        for (final SimulatedOperation operation : active) {
            if (operation.touches(pages.address(), pages.length())) {
                throw new AssertionError("a block request ended while its pages are used by " + operation);
            }
        }
    }

    /** Finds the memory of an operation that names a buffer, as the kernel does when it issues it. */
    void reach(final SimulatedOperation operation) {
        final Pages pages = lent.get(operation.bufIndex);
        if (pages == null || operation.addr < 0 || operation.addr + operation.len > pages.length()) {
            operation.withhold();
        } else {
            operation.relocate(pages.address());
        }
    }
}
