package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;

/** A volume is copied by the console alone. */
class ConsoleCopyIT {
    private static final String VOLUMES = "/api/v1/volumes";
    private static final int COPIED = 32 << 20;

    @TempDir
    private Path directory;

    @Test
    void aCopyIsBegunByTheKeyboardAndSeenWhenItIsWhole() throws Exception {
        final byte[] content = new byte[COPIED];
        Arrays.fill(content, (byte) 7);
        try (GatewayProcess gateway = GatewayProcess.start(directory.resolve("pool"), directory.resolve("errors"));
                Browser browser = Browser.start(directory.resolve("browser"), false)) {
            made(gateway, "source", COPIED);
            assertThat(gateway.send("PUT", VOLUMES + "/source/data", content).statusCode())
                    .isEqualTo(204);
            browser.size(360, 800);
            browser.open(gateway.rest() + "/#/volumes/source");
            browser.button("Copy volume");
            browser.await("#link-state", "Live"::equals);

            openDialog(browser);
            refusals(browser);
            browser.press(Keys.ESCAPE);
            browser.await("h1", "source"::equals);
            assertThat(browser.count(".toast")).isZero();

            openDialog(browser);
            browser.press("clone");
            browser.tabTo("input[name=size]");
            browser.press("33MiB");
            browser.tabTo("input[name=description]");
            browser.press("of source", Keys.ENTER);
            browser.await("h1", "Volumes"::equals);
            assertThat(browser.isFocused("h1")).isTrue();
            browser.await(".toast", text -> text.contains("Copying source to clone has begun."));
            browser.await(".toast", text -> text.contains(" clone is done."));
            browser.await(".row-name", "clone|demo|source"::equals);
            browser.await("tr:has(a[href='#/volumes/clone']) td", text -> text.contains("33 MiB"));
            assertThat(browser.count(".operations li")).isZero();
            assertThat(JsonPath.<String>read(gateway.get(VOLUMES + "/clone"), "$.description"))
                    .isEqualTo("of source");
            assertThat(gateway.send("GET", VOLUMES + "/clone/data", new byte[0], "Range", "bytes=0-" + (COPIED - 1))
                            .body())
                    .isEqualTo(content);
            assertThat(browser.complaints()).allMatch(complaint -> complaint.contains("a status of 4"));
        }
    }

    private static void openDialog(final Browser browser) {
        browser.tabTo(".actions button:nth-child(3)");
        browser.press(Keys.ENTER);
        browser.await("dialog h2", "Copy source"::equals);
        assertThat(browser.isFocused("input[name=name]")).isTrue();
    }

    private static void refusals(final Browser browser) throws Exception {
        browser.press(Keys.ENTER);
        assertThat(browser.refusal("Name")).isEqualTo("Name is needed.");
        browser.fill("Name", "Bad Name");
        browser.press(Keys.ENTER);
        browser.await("dialog .field-error", text -> text.contains("lower case letters"));
        assertThat(browser.isFocused("input[name=name]")).isTrue();
        browser.fill("Name", "clone");
        browser.fill("Size", "1MiB");
        browser.press(Keys.ENTER);
        browser.await("dialog .field-error", text -> text.contains("must not be below that of 'source'"));
        assertThat(browser.refusal("Name")).isEmpty();
        assertThat(browser.isFocused("input[name=size]")).isTrue();
        assertThat(browser.accessibilityViolations()).isEmpty();
        browser.fill("Name", "demo");
        browser.fill("Size", "64MiB");
        browser.press(Keys.ENTER);
        browser.await("dialog .problem", text -> text.contains("The name is taken"));
        assertThat(browser.accessibilityViolations()).isEmpty();
    }

    @Test
    void howACopyEndsIsToldOnEveryPage() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(directory.resolve("pool"), directory.resolve("errors"));
                Browser browser = Browser.start(directory.resolve("browser"), true)) {
            browser.open(gateway.rest() + "/#/node");
            browser.await("#link-state", "Live"::equals);
            assertThat(gateway.json("POST", VOLUMES, "{\"name\": \"clone\", \"copyOf\": \"demo\"}")
                            .statusCode())
                    .isEqualTo(202);
            browser.await(".toast", text -> text.contains(" clone is done."));
            assertThat(browser.complaints()).isEmpty();
        }
    }

    private static void made(final GatewayProcess gateway, final String name, final int size) {
        assertThat(gateway.json("POST", VOLUMES, "{\"name\": \"" + name + "\", \"size\": " + size + "}")
                        .statusCode())
                .isEqualTo(201);
    }
}
