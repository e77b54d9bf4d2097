package dev.fusedio.cli;

import dev.fusedio.sys.Affinity;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.TreeSet;

/** The words of a command, one option or operand after another: {@code --option value} and {@code --option=value}. */
final class CommandWords {
    private final String command;
    private final Deque<String> left;
    private String word = "";
    private boolean joined;

    /** @param command for messages */
    CommandWords(final String command, final List<String> words) {
        this.command = command;
        this.left = new ArrayDeque<>(words);
    }

    boolean hasNext() {
        return !left.isEmpty();
    }

    /** The next option's name, or an operand. */
    String next() {
        final String argument = left.removeFirst();
        final int equals = argument.startsWith("--") ? argument.indexOf('=') : -1;
        joined = equals >= 0;
        word = joined ? argument.substring(0, equals) : argument;
        if (joined) {
            left.addFirst(argument.substring(equals + 1));
        }
        return word;
    }

    /** The value of the option that {@link #next} gave. */
    String value() throws UsageException {
        final String value = left.pollFirst();
        if (value == null || value.isEmpty()) {
            throw new UsageException(word + ": a value is missing");
        }
        return value;
    }

    /** That the option is given, and has no value. */
    boolean flag() throws UsageException {
        if (joined) {
            throw new UsageException(word + " takes no value");
        }
        return true;
    }

    /** The option's value as a number. */
    int number(final int min, final int max) throws UsageException {
        final String text = value();
        final int number = parse(word, text);
        if (number < min || number > max) {
            throw new UsageException(word + " " + text + ": " + min + " to " + max + " are possible");
        }
        return number;
    }

    /** The option's value as a list of processors as taskset has it: numbers and ranges. Only allowed ones. */
    List<Integer> cores() throws UsageException {
        final String text = value();
        final TreeSet<Integer> cores = new TreeSet<>();
        for (final String part : text.split(",", -1)) {
            final String[] ends = part.split("-", -1);
            if (ends.length > 2) {
                throw new UsageException(word + " " + text + ": numbers and ranges such as 0,2-3 are possible");
            }
            final int first = parse(word, ends[0]);
            final int last = parse(word, ends[ends.length - 1]);
            if (last < first || last > 8191) {
                throw new UsageException(word + " " + text + ": " + part + " is not a range of processors");
            }
            for (int core = first; core <= last; core++) {
                cores.add(core);
            }
        }
        final List<Integer> allowed = Affinity.allowed();
        if (!allowed.containsAll(cores)) {
            throw new UsageException(word + " " + text + ": this process may use " + allowed + " only");
        }
        return List.copyOf(cores);
    }

    private static int parse(final String option, final String text) throws UsageException {
        if (!text.matches("[0-9]{1,9}")) {
            throw new UsageException(option + " " + text + ": a number is needed");
        }
        return Integer.parseInt(text);
    }

    /**
     * Takes the present word as the command's only operand.
     *
     * @param before the operand so far; empty for none
     * @param what it is, for messages
     */
    String operand(final String before, final String what) throws UsageException {
        if (word.startsWith("-")) {
            throw new UsageException(command + ": unknown option " + word);
        }
        if (!before.isEmpty()) {
            throw new UsageException(command + ": one " + what + " only, but there are " + before + " and " + word);
        }
        return word;
    }
}
