package dev.fusedio.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import com.jayway.jsonpath.JsonPath;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Assumptions;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebDriverException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A real browser without a window, which looks at the console as people do. */
final class Browser implements AutoCloseable {
    private static final Logger SELENIUM = Logger.getLogger("org.openqa.selenium");
    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");
    private static final Path DRIVER = Path.of("/usr/bin/chromedriver");
    private static final String AXE = "axe.min.js";
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    static {
        // It warns of a part that is not used, once for each browser. Held, or the setting is lost with the logger.
        SELENIUM.setLevel(Level.SEVERE);
    }

    private final ChromeDriver driver;
    private final List<String> requests = new ArrayList<>();
    private final Map<String, List<String>> headers = new HashMap<>();
    private final List<String> complaints = new ArrayList<>();

    private Browser(final ChromeDriver driver) {
        this.driver = driver;
    }

    /**
     * Starts one.
     *
     * @param profile an empty directory
     * @param dark whether the system prefers dark
     */
    static Browser start(final Path profile, final boolean dark) {
        for (final Path needed : List.of(CHROMIUM, DRIVER)) {
            Assumptions.assumeTrue(
                    Files.isExecutable(needed),
                    needed + " is missing: install the packages chromium and chromium-driver");
        }
        final LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        final ChromeOptions options = new ChromeOptions();
        options.setBinary(CHROMIUM.toFile());
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--disable-search-engine-choice-screen",
                "--window-size=1360,900",
                "--user-data-dir=" + profile);
        final ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(DRIVER.toFile())
                .usingAnyFreePort()
                .build();
        final ChromeDriver driver = new ChromeDriver(service, options);
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
        driver.get("about:blank"); // after it, only the console asks for anything
        driver.manage().logs().get(LogType.PERFORMANCE);
        return new Browser(driver);
    }

    /** Has a script run in every page before the page's own. */
    void beforeEachPage(final String script) {
        driver.executeCdpCommand("Page.addScriptToEvaluateOnNewDocument", Map.of("source", script));
    }

    void open(final String address) {
        driver.get(address);
    }

    void reload() {
        driver.navigate().refresh();
    }

    String title() {
        return String.valueOf(driver.getTitle());
    }

    /** Sets the size of what is seen. */
    void size(final int width, final int height) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    /** The one element that is shown and fits; waits for it. */
    WebElement find(final String css) {
        return Awaitility.await(css)
                .atMost(PATIENCE)
                .ignoreExceptionsInstanceOf(WebDriverException.class)
                .until(
                        () -> driver.findElements(By.cssSelector(css)).stream()
                                .filter(WebElement::isDisplayed)
                                .findFirst()
                                .orElse(null),
                        Objects::nonNull);
    }

    /** A button by its text, or by its label for screen readers. */
    WebElement button(final String text) {
        return Awaitility.await("button " + text)
                .atMost(PATIENCE)
                .ignoreExceptionsInstanceOf(WebDriverException.class)
                .until(
                        () -> driver
                                .findElements(
                                        By.cssSelector("dialog[open] button, body:not(:has(dialog[open])) button"))
                                .stream()
                                .filter(button -> button.isDisplayed()
                                        && (button.getText().equals(text)
                                                || text.equals(button.getDomAttribute("aria-label"))))
                                .findFirst()
                                .orElse(null),
                        Objects::nonNull);
    }

    void click(final String button) {
        button(button).click();
    }

    /** The input with that label. */
    WebElement field(final String label) {
        final WebElement found = (WebElement) driver.executeScript(
                "return [...document.querySelectorAll('label')].find(l => l.textContent === arguments[0])?.control",
                label);
        assertThat(found).as("field %s", label).isNotNull();
        return found;
    }

    void fill(final String label, final String text) {
        final WebElement field = field(label);
        field.clear();
        field.sendKeys(text);
    }

    /** What is said to be wrong with a field; empty if nothing. */
    String refusal(final String label) {
        return String.valueOf(driver.executeScript(
                "const e = document.getElementById(arguments[0].getAttribute('aria-describedby').split(' ').at(-1));"
                        + "return arguments[0].getAttribute('aria-invalid') === 'true' ? e.textContent : ''",
                field(label)));
    }

    /** Waits until an element's text fits. */
    void await(final String css, final Predicate<String> text) {
        Awaitility.await(css)
                .atMost(PATIENCE)
                .ignoreExceptionsInstanceOf(WebDriverException.class)
                .until(
                        () -> String.valueOf(driver.executeScript(
                                "return [...document.querySelectorAll(arguments[0])].filter(e => e.checkVisibility())"
                                        + ".map(e => e.textContent).join('|')",
                                css)),
                        text);
    }

    /** Presses keys where the focus is. */
    void press(final CharSequence... keys) {
        driver.switchTo().activeElement().sendKeys(keys);
    }

    /** Presses Tab until the focus is on what fits. */
    void tabTo(final String css) {
        for (int presses = 0; presses < 60; presses++) {
            if (isFocused(css)) {
                return;
            }
            press(Keys.TAB);
        }
        throw new AssertionError(css + " is not reached by the Tab key");
    }

    boolean isFocused(final String css) {
        return Boolean.TRUE.equals(driver.executeScript("return document.activeElement.matches(arguments[0])", css));
    }

    Object script(final String script, final Object... arguments) {
        return driver.executeScript(script, arguments);
    }

    /** What a script hands to its last argument, a function. */
    Object asyncScript(final String script) {
        driver.manage().timeouts().scriptTimeout(PATIENCE);
        return driver.executeAsyncScript(script);
    }

    int count(final String css) {
        return driver.findElements(By.cssSelector(css)).size();
    }

    /** What axe finds wrong with the page as it is now. */
    @SuppressWarnings("unchecked")
    List<String> accessibilityViolations() throws IOException {
        try (InputStream axe =
                Objects.requireNonNull(getClass().getClassLoader().getResourceAsStream(AXE), AXE)) {
            driver.executeScript(new String(axe.readAllBytes(), StandardCharsets.UTF_8));
        }
        return (List<String>) asyncScript("const done = arguments[0];"
                + "axe.run(document).then(found => done(found.violations.flatMap(v =>"
                + " v.nodes.map(n => `${v.id}: ${n.html.slice(0, 200)} ${n.failureSummary}`))),"
                + " failure => done([String(failure)]));");
    }

    /** Every address that was asked for until now. */
    List<String> requests() {
        drain();
        return List.copyOf(requests);
    }

    /** What requests until now had in a header. */
    List<String> sent(final String header) {
        drain();
        return List.copyOf(headers.getOrDefault(header.toLowerCase(Locale.ROOT), List.of()));
    }

    /** Errors and warnings on the browser's console until now, violations of the content security policy among them. */
    List<String> complaints() {
        drain();
        return List.copyOf(complaints);
    }

    private void drain() {
        for (final LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
            if (entry.getMessage().contains("\"Network.requestWillBeSent\"")) {
                requests.add(JsonPath.read(entry.getMessage(), "$.message.params.request.url"));
                JsonPath.<Map<String, String>>read(entry.getMessage(), "$.message.params.request.headers")
                        .forEach((name, value) -> headers.computeIfAbsent(
                                        name.toLowerCase(Locale.ROOT), any -> new ArrayList<>())
                                .add(value));
            }
        }
        for (final LogEntry entry : driver.manage().logs().get(LogType.BROWSER)) {
            if (entry.getLevel().intValue() >= Level.WARNING.intValue()) {
                complaints.add(entry.getMessage());
            }
        }
    }

    @Override
    public void close() {
        driver.quit();
    }
}
