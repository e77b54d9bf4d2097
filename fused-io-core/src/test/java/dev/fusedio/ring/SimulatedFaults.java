package dev.fusedio.ring;

import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * How often a simulated kernel does what.
 *
 * @param perMille chances by fault, 0 to 1000 at each opportunity; one that is absent never happens
 */
public record SimulatedFaults(Map<Fault, Integer> perMille) {
    public SimulatedFaults {
        perMille = Map.copyOf(perMille);
    }

    /** A kernel that is always ready and does all at once, in order. */
    public static SimulatedFaults none() {
        return new SimulatedFaults(Map.of());
    }

    /** All faults that no client of a correct program notices, at rates drawn from {@code seed}, some of them never. */
    public static SimulatedFaults benign(final long seed) {
        return draw(seed, false);
    }

    /** As {@link #benign} and, rarely, the errors that a client does notice. */
    public static SimulatedFaults hostile(final long seed) {
        return draw(seed, true);
    }

    private static SimulatedFaults draw(final long seed, final boolean errors) {
        final SplittableRandom random = new SplittableRandom(seed ^ 0x5EED_FA17L);
        final Map<Fault, Integer> rates = new EnumMap<>(Fault.class);
        for (final Fault fault : Fault.values()) {
            if (fault.isBenign()) {
                rates.put(fault, random.nextInt(3) == 0 ? 0 : 1 + random.nextInt(300));
            } else if (errors) {
                rates.put(fault, random.nextInt(2) == 0 ? 0 : 1 + random.nextInt(30));
            }
        }
        return new SimulatedFaults(rates);
    }

    /** The same with one rate changed. */
    public SimulatedFaults with(final Fault fault, final int rate) {
        final Map<Fault, Integer> rates = new EnumMap<>(Fault.class);
        rates.putAll(perMille);
        rates.put(fault, rate);
        return new SimulatedFaults(rates);
    }

    int rate(final Fault fault) {
        return perMille.getOrDefault(fault, 0);
    }
}
