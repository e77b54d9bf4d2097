package dev.fusedio.cli;

import dev.fusedio.net.ListenAddress;
import java.io.Closeable;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** Entry point of the data plane without the control plane. */
public final class Main {
    private static final int EXIT_FAILURE = 1;
    private static final int EXIT_USAGE = 2;

    /** Whether a core loop has failed, so that the process ends without having been told to. */
    private static volatile boolean failed;

    private Main() {}

    /** {@code serve PATH [OPTION]...}, {@code train}, {@code --help}, {@code --version}. */
    public static void main(final String[] arguments) {
        System.setOut(utf8(FileDescriptor.out));
        System.setErr(utf8(FileDescriptor.err));
        System.exit(run(ArgumentBytes.ofThisProcess(arguments)));
    }

    /** Names are shown as the UTF-8 that they are, in every locale. */
    private static PrintStream utf8(final FileDescriptor descriptor) {
        return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
    }

    private static int run(final List<String> arguments) {
        final String command = arguments.isEmpty() ? "--help" : arguments.getFirst();
        final List<String> rest = arguments.isEmpty() ? arguments : arguments.subList(1, arguments.size());
        try {
            switch (command) {
                case "serve" -> {
                    if (rest.contains("--help") || rest.contains("-h")) {
                        System.out.print(ServeOptions.HELP);
                    } else {
                        serve(ServeOptions.parse(rest));
                    }
                }
                case "attach" -> {
                    if (rest.contains("--help") || rest.contains("-h")) {
                        System.out.print(AttachOptions.HELP);
                    } else {
                        attach(AttachOptions.parse(rest));
                    }
                }
                case "devices" -> DeviceCommands.list(rest, System.out);
                case "detach" -> DeviceCommands.detach(rest);
                case "train" -> TrainingRun.run();
                case "--help", "-h", "help" -> System.out.print(ServeOptions.HELP + "\n" + AttachOptions.HELP);
                case "--version" -> System.out.println("gateway " + version());
                default -> throw new UsageException("unknown command " + command);
            }
            return 0;
        } catch (final UsageException e) {
            System.err.println("gateway: " + ArgumentBytes.shown(String.valueOf(e.getMessage())));
            System.err.println(
                    command.equals("serve") || command.equals("attach")
                            ? "Try 'gateway " + command + " --help'."
                            : "Try 'gateway --help'.");
            return EXIT_USAGE;
        } catch (final IOException e) {
            System.err.println("gateway: " + e.getMessage());
            return EXIT_FAILURE;
        } catch (final InterruptedException e) {
            Thread.currentThread().interrupt();
            return EXIT_FAILURE;
        }
    }

    private static void attach(final AttachOptions options) throws IOException, InterruptedException {
        final AttachCommand attach = AttachCommand.start(options, e -> System.err.println("gateway: " + describe(e)));
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(attach), "stop"));
        System.err.println("gateway: " + attach.banner());
        attach.shortage().ifPresent(line -> System.err.println("gateway: " + line));
        System.out.println(attach.path());
        attach.awaitFailure(); // a signal runs the hook
        Runtime.getRuntime().halt(EXIT_FAILURE); // the device stays, and its requests wait for the next server
    }

    private static void serve(final ServeOptions options) throws IOException, InterruptedException {
        final ServeCommand serve;
        try {
            serve = ServeCommand.start(options, e -> System.err.println("gateway: " + describe(e)));
        } catch (final IOException e) {
            throw new IOException(options.file().named(String.valueOf(e.getMessage())), e);
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(serve), "stop"));
        System.err.println("gateway: " + serve.banner());
        serve.shortage().ifPresent(line -> System.err.println("gateway: " + line));
        serve.warnings().forEach(warning -> System.err.println("gateway: warning: " + warning));
        if (options.listen().stream()
                .anyMatch(address -> address instanceof ListenAddress.Tcp tcp
                        && !tcp.address().isLoopbackAddress())) {
            System.err.println("gateway: warning: whoever reaches this port can read"
                    + (options.readOnly() ? "" : " and write") + " the volume; there is no authentication");
        }
        serve.awaitFailure(); // a signal runs the hook
        failed = true;
        System.exit(EXIT_FAILURE); // the hook ends the sessions of the loops that are left
    }

    private static String describe(final Throwable e) {
        final String cause = e.getCause() == null ? "" : ": " + e.getCause();
        return "internal error: " + e + cause + (e.getStackTrace().length > 0 ? " at " + e.getStackTrace()[0] : "");
    }

    private static void stop(final Closeable running) {
        int status = failed ? EXIT_FAILURE : 0;
        try {
            running.close();
        } catch (final IOException e) {
            System.err.println("gateway: " + e.getMessage());
            status = EXIT_FAILURE;
        }
        Runtime.getRuntime().halt(status); // being told to stop is no failure, which the JVM's own 143 would say
    }

    private static String version() {
        final String version = Main.class.getPackage().getImplementationVersion();
        return version == null ? "development build" : version;
    }
}
