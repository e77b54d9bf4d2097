package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The console shows what others change: other clients make the changes, and the page is neither touched nor loaded again. */
class ConsoleChangesIT {
    private static final String VOLUMES = "/api/v1/volumes";
    private static final int STREAMS = 100;
    private static final int COPIED = 96 << 20;

    /** Without it whatever is shown could have been read by the clock. */
    private static final String NO_CLOCK = "window.setInterval = () => 0;";

    /** Each value that a running operation showed, and its title. */
    private static final String WATCH_OPERATIONS = "window.shown = []; new MutationObserver(() => document"
            + ".querySelectorAll('.operations progress').forEach(bar => window.shown.push("
            + "{title: bar.getAttribute('aria-label'), value: bar.value}))).observe(document,"
            + " {subtree: true, childList: true, attributes: true});";

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
    void whatOtherClientsDoIsShownAsItHappens() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = Browser.start(directory.resolve("browser"), false)) {
            browser.beforeEachPage(NO_CLOCK);
            browser.open(gateway.rest() + "/");
            browser.await("#link-state", "Live"::equals);
            browser.script("window.sameDocument = true");

            volumes(gateway, browser);
            oneVolume(gateway, browser);
            sessions(gateway, browser);
            operations(gateway, browser);
            attachments(browser);

            assertThat(browser.script("return window.sameDocument")).isEqualTo(true);
            assertThat(browser.complaints()).isEmpty();
        }
    }

    private static void volumes(final GatewayProcess gateway, final Browser browser) {
        made(gateway, "one", "16MiB");
        browser.await(".row-name", "demo|one"::equals);
        assertThat(changed(gateway, "one", "{\"size\": \"48MiB\", \"description\": \"grown\"}"))
                .isEqualTo(200);
        browser.await("tr:has(a[href='#/volumes/one']) td", text -> text.contains("48 MiB") && text.contains("grown"));
        assertThat(changed(gateway, "one", "{\"name\": \"uno\"}")).isEqualTo(200);
        browser.await(".row-name", "demo|uno"::equals);
        deleted(gateway, "uno");
        browser.await(".row-name", "demo"::equals);
    }

    private static void oneVolume(final GatewayProcess gateway, final Browser browser) throws Exception {
        made(gateway, "watched", "16MiB");
        browser.open(gateway.rest() + "/#/volumes/watched");
        browser.await(".facts", text -> text.contains("16,777,216 bytes"));
        assertThat(changed(gateway, "watched", "{\"size\": \"32MiB\"}")).isEqualTo(200);
        browser.await(".facts", text -> text.contains("33,554,432 bytes"));
        try (IdleNbdClient client = IdleNbdClient.connect(gateway.nbdAddress(), "watched")) {
            browser.await("section td", text -> text.contains("127.0.0.1:"));
            client.close();
            browser.await(".quiet-text", text -> text.contains("No NBD session has it open."));
        }
        assertThat(changed(gateway, "watched", "{\"name\": \"renamed\"}")).isEqualTo(200);
        browser.await("h1", "renamed"::equals);
        browser.await(".toast", text -> text.contains("Volume watched is named renamed now."));
        browser.await(".facts", text -> text.contains("33,554,432 bytes"));
        deleted(gateway, "renamed");
        browser.await("h1", "Deleted"::equals);
        browser.await("#main p", text -> text.contains("The volume renamed was deleted."));
        assertThat(browser.isFocused("h1")).isTrue();
        assertThat(browser.accessibilityViolations()).isEmpty();
    }

    private static void sessions(final GatewayProcess gateway, final Browser browser) throws Exception {
        browser.open(gateway.rest() + "/#/sessions");
        browser.await("#main h2", "No sessions"::equals);
        try (IdleNbdClient client = IdleNbdClient.connect(gateway.nbdAddress(), "demo")) {
            browser.await(".table-card tbody td", text -> text.contains("|demo|127.0.0.1:"));
            client.close();
            browser.await("#main h2", "No sessions"::equals);
        }
    }

    @SuppressWarnings("unchecked")
    private static void operations(final GatewayProcess gateway, final Browser browser) throws Exception {
        made(gateway, "source", COPIED + "B");
        final byte[] content = new byte[COPIED];
        Arrays.fill(content, (byte) 7);
        assertThat(gateway.send("PUT", VOLUMES + "/source/data", content).statusCode())
                .isEqualTo(204);
        browser.open(gateway.rest() + "/#/volumes");
        browser.await(".row-name", "demo|source"::equals);
        browser.script(WATCH_OPERATIONS);

        assertThat(gateway.json("POST", VOLUMES, "{\"name\": \"clone\", \"copyOf\": \"source\"}")
                        .statusCode())
                .isEqualTo(202);
        browser.await(".row-name", "clone|demo|source"::equals);
        browser.await(".toast", text -> text.contains(" is done."));
        assertThat(browser.count(".operations li")).isZero();
        final List<Double> shares = ((List<Object>)
                        browser.script("return window.shown.filter(each => each.title.includes('clone'))"
                                + ".map(each => String(each.value))"))
                .stream().map(value -> Double.valueOf((String) value)).toList();
        assertThat(shares).isSorted().anyMatch(share -> share > 0 && share < 1);

        failedOperation(gateway, browser);
    }

    /** A source that is written meanwhile can't be copied; the page says so to whoever looks. */
    private static void failedOperation(final GatewayProcess gateway, final Browser browser) throws Exception {
        final AtomicBoolean done = new AtomicBoolean();
        final Thread writer = Thread.ofVirtual().start(() -> {
            while (!done.get()) {
                gateway.send("PUT", VOLUMES + "/source/data", new byte[4096], "Content-Range", "bytes 0-4095/*");
            }
        });
        try {
            assertThat(gateway.json("POST", VOLUMES, "{\"name\": \"torn\", \"copyOf\": \"source\"}")
                            .statusCode())
                    .isEqualTo(202);
            browser.await(
                    ".toast", text -> text.contains(" failed") && text.contains("was written while it was copied"));
            browser.await(".row-name", "clone|demo|source"::equals);
        } finally {
            done.set(true);
            writer.join();
        }
    }

    /** This machine may have no block devices: what the page would do is asked of the page. */
    private static void attachments(final Browser browser) {
        assertThat(
                        browser.asyncScript(
                                "const done = arguments[0]; import('/console/attachments.js').then(m => {"
                                        + " const view = new m.AttachmentsView({ follow() {} });"
                                        + " done(['attachment.created', 'attachment.state', 'volume.created'].map(type => view.change({type}))); })"))
                .isEqualTo(List.of(true, true, false));
    }

    @Test
    void aLostConnectionIsResumedWhereItBrokeAndARestartIsOutlived() throws Exception {
        final int port;
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Wire wire = new Wire(URI.create(gateway.rest()).getPort());
                Browser browser = Browser.start(directory.resolve("browser"), true)) {
            port = URI.create(gateway.rest()).getPort();
            browser.beforeEachPage(NO_CLOCK);
            browser.open("http://127.0.0.1:" + wire.port() + "/");
            browser.await("#link-state", "Live"::equals);
            browser.await(".row-name", "demo"::equals);
            browser.script("window.sameDocument = true");

            wire.cut();
            browser.await("#link-state", "Offline"::equals);
            browser.await("#banner", text -> text.contains("The numbers are old."));
            made(gateway, "meanwhile", "4MiB");
            wire.mend();
            browser.await("#link-state", "Live"::equals);
            browser.await(".row-name", "demo|meanwhile"::equals);
            browser.await("#banner", String::isEmpty);
            assertThat(browser.sent("Last-Event-ID")).anyMatch(id -> id.matches("[0-9a-f]{16}-\\d+"));
            assertThat(browser.complaints()).noneMatch(complaint -> complaint.contains("status of 410"));

            browser.open(gateway.rest() + "/"); // past the wire: it is another page
            browser.await("#link-state", "Live"::equals);
            browser.script("window.sameDocument = true");
            gateway.kill();
            browser.await("#link-state", "Offline"::equals);
            browser.await("#banner", text -> text.contains("The numbers are old."));
            browser.await(".tile-value", text -> text.startsWith("–|–"));
            try (GatewayProcess again = GatewayProcess.startOn(port, pool, directory.resolve("errors-again"))) {
                browser.await("#link-state", "Live"::equals);
                made(again, "after", "4MiB");
                browser.await(".row-name", "after|demo|meanwhile"::equals);
                deleted(again, "meanwhile");
                browser.await(".row-name", "after|demo"::equals);
                browser.await("#banner", String::isEmpty);
                browser.await(".tile-value", text -> text.startsWith("0|0 B/s"));
                assertThat(again.terminate(60)).isEqualTo(128 + 15);
                assertThat(browser.script("return window.sameDocument")).isEqualTo(true);
                assertThat(browser.complaints()).anyMatch(complaint -> complaint.contains("status of 410"));
            }
        }
    }

    @Test
    void whereChangesCanNotBeFollowedThePageSaysSoAndReadsByTheClock() throws Exception {
        final List<StreamClient> others = new ArrayList<>();
        try (GatewayProcess gateway = GatewayProcess.start(pool, errors);
                Browser browser = Browser.start(directory.resolve("browser"), false)) {
            for (int i = 0; i < STREAMS; i++) {
                others.add(StreamClient.open(gateway.rest(), "/api/v1/events"));
            }
            browser.open(gateway.rest() + "/");
            browser.await("#link-state", "Updates lost"::equals);
            browser.await(
                    "#banner",
                    text -> text.startsWith("Live updates are lost: ")
                            && text.contains("every 10 s")
                            && text.contains("Trying again"));
            browser.await(".tile-value", text -> text.startsWith("0|0 B/s"));
            assertThat(browser.script("return document.body.classList.contains('stale')"))
                    .isEqualTo(false);
            for (final String theme : List.of("system", "light", "dark")) {
                browser.await("#link-state", "Updates lost"::equals);
                assertThat(browser.accessibilityViolations()).as(theme).isEmpty();
                browser.click("Theme: " + theme);
            }
            made(gateway, "late", "4MiB");
            browser.await(".row-name", "demo|late"::equals);

            others.removeLast().close();
            browser.await("#link-state", "Live"::equals);
            browser.await("#banner", String::isEmpty);
        } finally {
            for (final StreamClient other : others) {
                other.close();
            }
        }
    }

    private static void made(final GatewayProcess gateway, final String name, final String size) {
        final HttpResponse<byte[]> answer =
                gateway.json("POST", VOLUMES, "{\"name\": \"" + name + "\", \"size\": \"" + size + "\"}");
        assertThat(answer.statusCode()).isEqualTo(201);
    }

    private static int changed(final GatewayProcess gateway, final String name, final String change) {
        return gateway.json("PATCH", VOLUMES + "/" + name, change, "If-Match", "*")
                .statusCode();
    }

    private static void deleted(final GatewayProcess gateway, final String name) {
        assertThat(gateway.send("DELETE", VOLUMES + "/" + name, new byte[0], "If-Match", "*")
                        .statusCode())
                .isEqualTo(204);
    }
}
