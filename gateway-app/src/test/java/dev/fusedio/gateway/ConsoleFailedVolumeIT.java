package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The console shows a failed volume, and opens it anew. The failure is what the page is told; the rest is real. */
class ConsoleFailedVolumeIT {
    /** The API's answers say of one volume that it has failed, until it was asked to reopen it. */
    private static final String FAILED = """
            const real = window.fetch;
            window.fetch = async (path, options = {}) => {
              const answer = await real(path, options);
              if (String(path).endsWith('/volumes/demo/reopen')) {
                window.reopened = answer.status;
              }
              if (window.reopened || !/\\/volumes\\/demo$/.test(String(path))) {
                return answer;
              }
              const body = { ...(await answer.json()), state: 'failed', reason: 'fdatasync: EIO' };
              return new Response(JSON.stringify(body), { status: answer.status, headers: answer.headers });
            };""";

    @TempDir
    private Path directory;

    @Test
    @DisplayName("fault 5: the console shows that a volume has failed, and why, and reopens it")
    void aFailedVolumeIsShownAndReopened() throws Exception {
        try (GatewayProcess gateway = GatewayProcess.start(directory.resolve("pool"), directory.resolve("errors"));
                Browser browser = Browser.start(directory.resolve("browser"), false)) {
            browser.beforeEachPage(FAILED);
            browser.open(gateway.rest() + "/#/volumes/demo");
            browser.await(".chip.bad", "failed"::equals);
            browser.await(".notice.bad", text -> text.contains("may be missing") && text.contains("fdatasync: EIO"));
            assertThat(browser.accessibilityViolations()).isEmpty();
            browser.click("Reopen");
            browser.await("dialog h2", "Reopen demo"::equals);
            assertThat(browser.accessibilityViolations()).isEmpty();
            browser.click("Reopen volume");
            browser.await(".toast", text -> text.contains("Volume demo is open again."));
            browser.await(".actions", text -> !text.contains("Reopen"));
            assertThat(browser.count(".chip.bad")).isZero();
            assertThat(browser.script("return window.reopened")).isEqualTo(200L);
            assertThat(browser.complaints()).isEmpty();
        }
    }
}
