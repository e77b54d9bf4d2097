package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.openqa.selenium.Keys;

/** The console in a real browser, with the whole gateway behind it. */
class ConsoleIT {
    private static final String VOLUMES = "/api/v1/volumes";
    private static final byte[] NOTHING = {};

    @TempDir
    private Path directory;

    private Path pool;
    private Path errors;

    @BeforeEach
    void paths() {
        pool = directory.resolve("pool");
        errors = directory.resolve("errors");
    }

    @Test
    void volumesAreMadeWatchedGrownChangedAndDeleted() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = browser(false)) {
            browser.open(gateway.rest() + "/");
            browser.await("h1", "Volumes"::equals);
            browser.await(".row-name", "demo"::equals);

            browser.click("New volume");
            browser.fill("Name", "Bad Name");
            browser.fill("Size", "10G");
            browser.click("Create volume");
            browser.await("dialog .field-error", text -> text.contains("no size"));
            browser.fill("Size", "16MiB");
            browser.click("Create volume");
            browser.await("dialog .field-error", text -> text.contains("lower case letters"));
            assertThat(browser.refusal("Name")).startsWith("Name must be 1 to 63 characters");
            assertThat(browser.isFocused("input[name=name]")).isTrue();
            browser.fill("Name", "demo");
            browser.click("Create volume");
            browser.await("dialog .problem", text -> text.contains("The name is taken"));
            browser.fill("Name", "scratch");
            browser.fill("Description", "<b>not bold</b>");
            browser.click("Create volume");
            browser.await("h1", "scratch"::equals);
            browser.await(".page-head .description", "<b>not bold</b>"::equals);
            assertThat(JsonPath.<Integer>read(gateway.get(VOLUMES + "/scratch"), "$.size"))
                    .isEqualTo(16 << 20);

            watch(gateway, browser);

            browser.click("Grow");
            browser.fill("New size", "8MiB");
            browser.click("Grow");
            browser.await("dialog .problem", text -> text.contains("Volumes do not shrink"));
            browser.fill("New size", "32MiB");
            browser.click("Grow");
            browser.await(".facts", text -> text.contains("33,554,432 bytes"));

            browser.click("Edit");
            browser.fill("Description", "for tests");
            browser.fill("Labels", "team");
            browser.click("Save");
            browser.await("dialog .field-error", text -> text.contains("“team” is not key=value"));
            browser.fill("Labels", "team=storage\ntier = fast");
            browser.field("Read-only").click();
            browser.click("Save");
            browser.await(".page-head .about", "read-onlyteam=storagetier=fastfor tests"::equals);
            browser.click("Edit");
            browser.fill("Labels", "team=network");
            browser.click("Save");
            browser.await(".page-head .about", "read-onlyteam=networkfor tests"::equals);
            assertThat(JsonPath.<Boolean>read(gateway.get(VOLUMES + "/scratch"), "$.readOnly"))
                    .isTrue();

            deleteAlthoughSomebodyChangesItMeanwhile(gateway, browser);
            assertQuiet(gateway, browser, "409", "400", "412");
        }
    }

    private static void watch(final GatewayProcess gateway, final Browser browser) throws IOException {
        try (IdleNbdClient client = IdleNbdClient.connect(gateway.nbdAddress(), "scratch");
                Load load = new Load(() -> client.read(4096))) {
            browser.await(".chart-now", text -> text.matches("[1-9].*\\|[1-9].*/s\\|0 B/s\\|[1-9].*s\\|[1-9].*s"));
            browser.await("tbody th[scope=row]", "read"::equals);
            browser.await("section td", text -> text.contains("127.0.0.1:"));
            browser.open(gateway.rest() + "/#/volumes");
            browser.await(
                    "tr:has(a[href='#/volumes/scratch']) .live-value",
                    text -> text.matches("[1-9].*\\|[1-9].*\\|[1-9].*"));
            browser.await("tr:has(a[href='#/volumes/demo']) .live-value", "0|0 B/s|idle"::equals);
            browser.open(gateway.rest() + "/#/sessions");
            browser.await(".table-card tbody td", text -> text.contains("scratch"));
            browser.find("[aria-label^='End session']").click();
            browser.click("End session");
            browser.await("#main h2", "No sessions"::equals);
            load.awaitFailure();
        }
        browser.open(gateway.rest() + "/#/volumes/scratch");
        browser.await("h1", "scratch"::equals);
    }

    private static void deleteAlthoughSomebodyChangesItMeanwhile(final GatewayProcess gateway, final Browser browser) {
        browser.click("Delete");
        browser.fill("Type scratch to confirm", "scrotch");
        browser.click("Delete volume");
        assertThat(browser.refusal("Type scratch to confirm")).isEqualTo("Type exactly: scratch.");
        final HttpResponse<byte[]> changed = gateway.send(
                "PATCH",
                VOLUMES + "/scratch",
                "{\"description\": \"in use again\"}".getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "application/json",
                "If-Match",
                "*");
        assertThat(changed.statusCode()).isEqualTo(200);
        browser.fill("Type scratch to confirm", "scratch");
        browser.click("Delete volume");
        browser.await("dialog .problem", text -> text.contains("Changed meanwhile"));
        assertThat(gateway.send("GET", VOLUMES + "/scratch", NOTHING).statusCode())
                .isEqualTo(200);
        browser.click("Cancel");
        browser.await(".page-head .about", text -> text.contains("in use again"));
        browser.click("Delete");
        browser.fill("Type scratch to confirm", "scratch");
        browser.click("Delete volume");
        browser.await(".row-name", "demo"::equals);
        browser.await(".toast", text -> text.contains("Volume scratch is deleted."));
        assertThat(gateway.send("GET", VOLUMES + "/scratch", NOTHING).statusCode())
                .isEqualTo(404);
    }

    @Test
    void theKeyboardIsEnough() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = browser(false)) {
            browser.open(gateway.rest() + "/");
            browser.await(".row-name", "demo"::equals);
            browser.reload();
            browser.await(".row-name", "demo"::equals);

            browser.tabTo(".skip");
            browser.press(Keys.ENTER);
            assertThat(browser.isFocused("main")).isTrue();
            browser.press(Keys.TAB);
            assertThat(browser.isFocused("#new-volume")).isTrue();
            assertThat(browser.script("return getComputedStyle(document.activeElement).outlineStyle"))
                    .isEqualTo("solid");
            browser.press(Keys.ENTER);
            browser.find("dialog[open]");
            assertThat(browser.isFocused("input[name=name]")).isTrue();
            browser.press(Keys.ESCAPE);
            Awaitility.await().atMost(Duration.ofSeconds(10)).until(() -> browser.isFocused("#new-volume"));
            browser.press(Keys.ENTER);
            browser.press("keys");
            browser.tabTo("input[name=size]");
            browser.press("4MiB");
            browser.press(Keys.ENTER);
            browser.await("h1", "keys"::equals);
            assertThat(browser.isFocused("h1")).isTrue();
            browser.tabTo(".actions button:last-child");
            browser.press(Keys.ENTER);
            browser.find("dialog[open]");
            browser.press("keys", Keys.ENTER);
            browser.await("h1", "Volumes"::equals);
            browser.await(".row-name", "demo"::equals);
            browser.tabTo(".row-name");
            browser.press(Keys.ENTER);
            browser.await("h1", "demo"::equals);
            assertQuiet(gateway, browser);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void everyPageCanBeUsedByEverybodyAndFitsASmallScreen(final boolean dark) throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = browser(dark)) {
            gateway.json(
                    "POST",
                    VOLUMES,
                    "{\"name\": \"" + "a-rather-long-name.".repeat(3)
                            + "end\", \"size\": \"1TiB\", \"readOnly\": true}");
            for (final int width : List.of(1360, 360)) {
                browser.size(width, 800);
                for (final String page :
                        List.of("volumes", "volumes/demo", "sessions", "attachments", "node", "volumes/none")) {
                    browser.open(gateway.rest() + "/#/" + page);
                    browser.await("h1", text -> !text.isEmpty());
                    browser.await("#link-state", "Live"::equals);
                    assertAccessible(browser, page, width);
                }
                browser.open(gateway.rest() + "/#/volumes");
                browser.click("New volume");
                browser.click("Create volume");
                browser.await("dialog .field-error", text -> text.contains("Name is needed."));
                assertAccessible(browser, "dialog", width);
                browser.click("Cancel");
            }
            assertThat(browser.script("return getComputedStyle(document.body.parentElement).colorScheme"))
                    .isEqualTo(dark ? "dark" : "light");
            browser.click("Theme: system");
            browser.click("Theme: light");
            browser.button("Theme: dark");
            assertThat(browser.script("return getComputedStyle(document.body.parentElement).colorScheme"))
                    .isEqualTo("dark");
            assertQuiet(gateway, browser, "404");
        }
    }

    private static void assertAccessible(final Browser browser, final String page, final int width) throws IOException {
        assertThat(browser.accessibilityViolations())
                .as("%s, %d pixels wide", page, width)
                .isEmpty();
        assertThat((Long) browser.script("return document.scrollingElement.scrollWidth"))
                .as("%s scrolls sideways", page)
                .isLessThanOrEqualTo(width);
    }

    @Test
    void hundredsOfVolumesAreFilteredOrderedAndPaged() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = browser(false)) {
            for (int i = 0; i < 120; i++) {
                final String body =
                        "{\"name\": \"v%03d\", \"size\": %d, \"backend\": \"memory\"}".formatted(i, (i + 1) * 4096);
                assertThat(gateway.json("POST", VOLUMES, body).statusCode()).isEqualTo(201);
            }
            browser.open(gateway.rest() + "/");
            browser.await(".told", "121 volumes"::equals);
            assertThat(browser.count(".table-card tbody tr")).isEqualTo(50);
            browser.click("Next");
            browser.await(".pager span", "51 to 100 of 121"::equals);
            browser.await(".live-value", text -> text.startsWith("0|0 B/s|idle"));
            browser.click("Next");
            browser.await(".pager span", "101 to 121 of 121"::equals);
            assertThat(browser.isFocused(".pager button:first-child")).isTrue();
            browser.click("Size");
            browser.click("Size");
            browser.await(".row-name", text -> text.startsWith("demo|v119|v118|"));
            browser.find("input[type=search]").sendKeys("v01");
            browser.await(".told", "10 of 121 volumes"::equals);
            browser.await(".row-name", "v019|v018|v017|v016|v015|v014|v013|v012|v011|v010"::equals);
            assertQuiet(gateway, browser);
        }
    }

    @Test
    void numbersAndEventsAreReadAsTheyAreMeant() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = browser(false)) {
            browser.open(gateway.rest() + "/");
            assertThat(browser.asyncScript("import('/console/format.js').then(f => arguments[0](["
                            + "f.bytes(0), f.bytes(1023), f.bytes(1536), f.bytes(10 * 2 ** 30), f.bytes(undefined),"
                            + "f.rate(0), f.rate(0.5), f.rate(1234), f.rate(123456), f.rate(7.8e6), f.rate(null),"
                            + "f.micros(0.5), f.micros(85.25), f.micros(1500), f.micros(2e6), f.byteRate(2 ** 20),"
                            + "f.percent(0.126), f.plural(1, 'volume'), f.plural(1001, 'volume')]))"))
                    .isEqualTo(List.of(
                            "0 B",
                            "1023 B",
                            "1.5 KiB",
                            "10 GiB",
                            "–",
                            "0",
                            "0.5",
                            "1,234",
                            "123 k",
                            "7.8 M",
                            "–",
                            "0.5 µs",
                            "85.3 µs",
                            "1.5 ms",
                            "2 s",
                            "1 MiB/s",
                            "13 %",
                            "1 volume",
                            "1,001 volumes"));
            // Cut where it hurts: within a line's end, within a name, within a value.
            assertThat(browser.asyncScript("const done = arguments[0]; import('/console/stream.js').then(async m => {"
                            + "const parts = [': beat\\n\\nev', 'ent: a\\r', '\\ndata: {\"x\"', ':1}\\n', '\\ndata:one\\ndata: two\\n\\n'];"
                            + "const text = new ReadableStream({ start(c) { parts.forEach(p => c.enqueue(p)); c.close(); } });"
                            + "const found = []; for await (const e of m.events(text)) { found.push(`${e.event}=${e.data}`); }"
                            + "done(found); })"))
                    .isEqualTo(List.of("a={\"x\":1}", "message=one\ntwo"));
        }
    }

    @Test
    void whoHasToSignInDoesSoByTokenAndSeesWhatTheRoleAllows() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors, "--gateway.security.authentication=required");
                Browser browser = browser(true)) {
            final String admin =
                    Files.readString(pool.resolve(".security/admin.token")).strip();
            browser.open(gateway.rest() + "/#/volumes/demo");
            browser.await("h1", "Sign in"::equals);
            assertThat(browser.isFocused("#token")).isTrue();
            assertThat(browser.count("#sections a[aria-current]")).isZero();
            assertAccessible(browser, "sign-in", 1360);
            browser.click("Sign in");
            browser.await("#token-error", "A token is needed."::equals);
            browser.fill("Token", "fused_wrong");
            browser.press(Keys.ENTER);
            browser.await("#token-error", text -> text.contains("does not accept this token"));
            browser.field("Token").clear();
            browser.fill("Token", viewerToken(gateway, admin));
            browser.press(Keys.ENTER);
            browser.await("h1", "demo"::equals);
            browser.await("#who", "watcher · viewer"::equals);
            browser.await("#link-state", "Live"::equals);
            browser.await(".facts", text -> text.contains("read and write"));
            assertThat(browser.count(".actions button")).isZero();
            assertThat(browser.script("return localStorage.length + document.cookie.length"))
                    .isEqualTo(0L);
            browser.reload();
            browser.await("#who", "watcher · viewer"::equals);

            assertThat(gateway.send("DELETE", "/api/v1/tokens/watcher", NOTHING, "Authorization", "Bearer " + admin)
                            .statusCode())
                    .isEqualTo(204);
            browser.open(gateway.rest() + "/#/volumes");
            browser.await("h1", "Sign in"::equals);
            browser.await("#token-error", text -> text.contains("does not accept this token"));

            browser.fill("Token", admin);
            browser.press(Keys.ENTER);
            browser.await("h1", "Volumes"::equals);
            browser.click("New volume");
            browser.fill("Name", "signed");
            browser.fill("Size", "4MiB");
            browser.click("Create volume");
            browser.await("h1", "signed"::equals);
            browser.click("Sign out");
            browser.await("h1", "Sign in"::equals);
            assertThat(browser.script("return sessionStorage.length")).isEqualTo(0L);
            assertQuiet(gateway, browser, "401");
        }
    }

    private static String viewerToken(final GatewayProcess gateway, final String admin) {
        final HttpResponse<byte[]> given = gateway.send(
                "POST",
                "/api/v1/tokens",
                "{\"name\": \"watcher\", \"role\": \"viewer\"}".getBytes(StandardCharsets.UTF_8),
                "Content-Type",
                "application/json",
                "Authorization",
                "Bearer " + admin);
        assertThat(given.statusCode()).isEqualTo(201);
        return JsonPath.read(new String(given.body(), StandardCharsets.UTF_8), "$.secret");
    }

    @Test
    void anOpenConsoleDoesNotHoldUpTheStop() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = browser(false)) {
            browser.open(gateway.rest() + "/");
            browser.await("#link-state", "Live"::equals);
            assertThat(gateway.terminate(60)).isEqualTo(128 + 15);
            assertThat(Files.readString(errors.resolveSibling("errors.out")))
                    .contains("Graceful shutdown complete")
                    .doesNotContain("requests still active");
        }
    }

    /** Nothing from elsewhere was asked for, and the browser complained of nothing but answers that were meant. */
    private static void assertQuiet(final GatewayProcess gateway, final Browser browser, final String... meant) {
        assertThat(browser.requests()).isNotEmpty().allMatch(address -> address.startsWith(gateway.rest() + "/"));
        assertThat(browser.complaints())
                .allMatch(complaint -> List.of(meant).stream()
                        .anyMatch(status -> complaint.contains("responded with a status of " + status)));
    }

    private Browser browser(final boolean dark) {
        return Browser.start(directory.resolve("browser"), dark);
    }

    /** Repeats something every few milliseconds until it is closed or fails. */
    private static final class Load implements AutoCloseable {
        private final ScheduledExecutorService executor = Executors.newSingleThreadScheduledExecutor();
        private final Future<?> running;

        Load(final Callable<?> work) {
            running = executor.scheduleWithFixedDelay(
                    () -> {
                        try {
                            work.call();
                        } catch (final Exception e) {
                            throw new IllegalStateException(e);
                        }
                    },
                    0,
                    5,
                    TimeUnit.MILLISECONDS);
        }

        void awaitFailure() {
            Awaitility.await().atMost(Duration.ofSeconds(30)).until(running::isDone);
        }

        @Override
        public void close() {
            executor.shutdownNow();
        }
    }
}
