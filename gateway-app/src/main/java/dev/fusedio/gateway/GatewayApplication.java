package dev.fusedio.gateway;

import dev.fusedio.gateway.startup.DataPlaneFirst;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.ConfigurationPropertiesScan;
import org.springframework.boot.context.properties.bind.BindException;

/** The gateway as a service. */
@SpringBootApplication(proxyBeanMethods = false)
@ConfigurationPropertiesScan
public class GatewayApplication {
    /** It could not start or run. */
    public static final int EXIT_FAILURE = 1;

    /** A setting is wrong. */
    public static final int EXIT_USAGE = 2;

    /** Runs it until SIGTERM. */
    @SuppressWarnings("SystemExitOutsideMain") // this is main
    public static void main(final String[] args) {
        try {
            final SpringApplication application = new SpringApplication(GatewayApplication.class);
            application.addListeners(new DataPlaneFirst());
            application.run(args);
        } catch (final RuntimeException | Error failure) {
            // What went wrong is on standard error by now, on one line if it is the environment's fault.
            System.exit(exitCode(failure));
        }
    }

    static int exitCode(final Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof BindException) {
                return EXIT_USAGE;
            }
        }
        return EXIT_FAILURE;
    }
}
