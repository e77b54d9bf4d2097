package dev.fusedio.gateway.security;

import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.SecuritySettings;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Service;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Scheduler;
import reactor.core.scheduler.Schedulers;

/**
 * The bearer tokens of this node: those that were given by the API, of which only hashes are kept, and two that files hold,
 * for the first sign-in and for whoever fetches metrics. Any thread may ask; changes happen one after another.
 */
@Service
final class Tokens implements SmartLifecycle {
    /** Tokens that may be given; each costs every request a comparison. */
    static final int MAX_TOKENS = 256;

    /** The name of the first token. */
    static final String ADMIN = "bootstrap";

    /** The name of the token that fetches metrics. */
    static final String METRICS = "metrics";

    private static final Logger LOG = LoggerFactory.getLogger(Tokens.class);
    private static final String ADMIN_FILE = "admin.token";
    private static final String METRICS_FILE = "metrics.token";
    private static final Duration RELOAD = Duration.ofSeconds(10);

    /** After the pool is ours, before HTTP. */
    private static final int PHASE = -150;

    private final SecuritySettings properties;
    private final Exposure exposure;
    private final Clock clock;
    private final SecretFiles files;
    private final TokenFile store;
    private volatile Scheduler turns = turns();
    private volatile List<TokenRecord> given = List.of();
    private volatile List<TokenRecord> held = List.of();
    private volatile boolean running;

    Tokens(final GatewayProperties gateway, final Exposure exposure, final Clock clock) {
        this.properties = gateway.security();
        this.exposure = exposure;
        this.clock = clock;
        this.files = new SecretFiles(gateway.secretsDirectory());
        this.store = new TokenFile(files);
    }

    // --- the start ---------------------------------------------------------------------------------------------------

    @Override
    public void start() {
        if (turns.isDisposed()) {
            turns = turns(); // it was stopped, and starts again
        }
        try {
            given = store.read();
            final List<TokenRecord> first = new ArrayList<>();
            adminToken().ifPresent(first::add);
            metricsToken().ifPresent(first::add);
            held = List.copyOf(first);
        } catch (final IOException e) {
            throw new StartRefusedException(
                    "gateway.security.path: " + files.resolve("") + " can't be used: "
                            + e.getClass().getSimpleName() + " " + e.getMessage(),
                    e);
        }
        running = true;
        if (properties.adminTokenFile() != null || properties.metricsTokenFile() != null) {
            turns.schedulePeriodically(
                    this::reload, RELOAD.toMillis(), RELOAD.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
        }
    }

    private Optional<TokenRecord> adminToken() throws IOException {
        final Path file = properties.adminTokenFile();
        if (file != null) {
            return Optional.of(record(ADMIN, Role.ADMIN, SecretFiles.token(file, "gateway.security.admin-token-file")));
        }
        final Optional<byte[]> kept = files.read(ADMIN_FILE);
        if (kept.isPresent() || !exposure.authenticationRequired() || hasAdmin(given)) {
            return kept.map(bytes -> record(ADMIN, Role.ADMIN, text(bytes)));
        }
        final String token = Secret.random();
        files.write(ADMIN_FILE, (token + "\n").getBytes(StandardCharsets.UTF_8));
        System.out.println("""

                A token for the first sign-in, with the role admin. It is kept in %s and not shown again; when other tokens
                have been made (POST /api/v1/tokens), delete that file.
                  %s
                """.formatted(files.resolve(ADMIN_FILE), token));
        return Optional.of(record(ADMIN, Role.ADMIN, token));
    }

    private Optional<TokenRecord> metricsToken() throws IOException {
        final Path file = properties.metricsTokenFile();
        if (file != null) {
            return Optional.of(
                    record(METRICS, Role.METRICS, SecretFiles.token(file, "gateway.security.metrics-token-file")));
        }
        final Optional<byte[]> kept = files.read(METRICS_FILE);
        if (kept.isPresent() || !exposure.authenticationRequired()) {
            return kept.map(bytes -> record(METRICS, Role.METRICS, text(bytes)));
        }
        final String token = Secret.random();
        files.write(METRICS_FILE, token.getBytes(StandardCharsets.UTF_8)); // scrapers take the whole file
        return Optional.of(record(METRICS, Role.METRICS, token));
    }

    private static String text(final byte[] bytes) {
        return new String(bytes, StandardCharsets.UTF_8).strip();
    }

    private TokenRecord record(final String name, final Role role, final String token) {
        return new TokenRecord(name, role, Secret.hash(token), clock.instant(), null);
    }

    /** Mounted secrets change while the gateway runs; one that can't be read leaves what was there before. */
    private void reload() {
        try {
            final List<TokenRecord> fresh = new ArrayList<>();
            adminToken().ifPresent(fresh::add);
            metricsToken().ifPresent(fresh::add);
            final boolean changed = fresh.stream()
                    .anyMatch(token -> held.stream().noneMatch(old -> Secret.equal(old.hash(), token.hash())));
            if (changed) {
                held = List.copyOf(fresh);
                LOG.info("tokens were read again from their files");
            }
        } catch (final IOException | StartRefusedException e) {
            LOG.error("tokens stay as they are: {}", e.getMessage());
        }
    }

    @Override
    public void stop() {
        running = false;
        turns.dispose();
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    // --- authentication ----------------------------------------------------------------------------------------------

    /** Whose token that is. Takes as long for one that is unknown, or has ended, as for one that is good. */
    Optional<Caller> caller(final String token) {
        final String hash = Secret.hash(token);
        final Instant now = clock.instant();
        TokenRecord found = null;
        for (final List<TokenRecord> some : List.of(held, given)) {
            for (final TokenRecord record : some) {
                final boolean valid = record.isValidAt(now);
                if (Secret.equal(record.hash(), hash) && valid) {
                    found = record;
                }
            }
        }
        return Optional.ofNullable(found).map(record -> new Caller(record.name(), record.role(), Caller.Means.TOKEN));
    }

    // --- for the API -------------------------------------------------------------------------------------------------

    /** Those that files hold come first. */
    List<TokenRecord> list() {
        final List<TokenRecord> all = new ArrayList<>(held);
        given.stream().sorted(Comparator.comparing(TokenRecord::name)).forEach(all::add);
        return all;
    }

    boolean isHeldByFile(final TokenRecord token) {
        return held.contains(token);
    }

    /** Gives a token: what is kept of it, and itself, which nobody can tell again. */
    Mono<Given> give(final String name, final Role role, final @Nullable Instant expiresAt) {
        return turn(() -> {
            if (list().stream().anyMatch(token -> token.name().equals(name))) {
                throw new ProblemException(
                        ProblemType.TOKEN_EXISTS,
                        "There is a token '" + name + "'; remove it, or choose another name.");
            }
            if (given.size() >= MAX_TOKENS) {
                throw new ProblemException(
                        ProblemType.TOO_MANY_TOKENS,
                        "There are " + MAX_TOKENS + " tokens, as many as there may be: remove one first.");
            }
            final String secret = Secret.random();
            final TokenRecord token = new TokenRecord(name, role, Secret.hash(secret), clock.instant(), expiresAt);
            final List<TokenRecord> next = new ArrayList<>(given);
            next.add(token);
            store.write(next);
            given = List.copyOf(next);
            return new Given(token, secret);
        });
    }

    /** Takes a token away: its next request is refused. */
    Mono<Void> take(final String name) {
        return turn(() -> {
                    if (held.stream().anyMatch(token -> token.name().equals(name))) {
                        throw new ProblemException(
                                ProblemType.TOKEN_NEEDED,
                                "The token '" + name
                                        + "' is held by a file: remove the file, and start the gateway again.");
                    }
                    final List<TokenRecord> next = given.stream()
                            .filter(token -> !token.name().equals(name))
                            .toList();
                    if (next.size() == given.size()) {
                        throw new ProblemException(ProblemType.TOKEN_NOT_FOUND, "There is no token '" + name + "'.");
                    }
                    if (exposure.authenticationRequired() && hasAdmin(given) && !hasAdmin(next) && !hasAdmin(held)) {
                        throw new ProblemException(
                                ProblemType.TOKEN_NEEDED,
                                "'" + name + "' is the last token with the role admin: give another one first.");
                    }
                    store.write(next);
                    given = next;
                    return name;
                })
                .then();
    }

    private boolean hasAdmin(final List<TokenRecord> tokens) {
        final Instant now = clock.instant();
        return tokens.stream().anyMatch(token -> token.role() == Role.ADMIN && token.isValidAt(now));
    }

    private static Scheduler turns() {
        return Schedulers.newSingle("tokens", true);
    }

    private <T> Mono<T> turn(final Callable<T> change) {
        return Mono.defer(() -> Mono.fromCallable(change).subscribeOn(turns));
    }

    /**
     * A token that was just given.
     *
     * @param record what is kept
     * @param secret what its bearer sends
     */
    record Given(TokenRecord record, String secret) {
        @Override
        public String toString() {
            return "Given[" + record.name() + "]";
        }
    }
}
