package dev.fusedio.gateway.attachment;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.fusedio.gateway.catalogue.CatalogueFixture;
import dev.fusedio.gateway.config.TestProperties;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.DeviceMechanism;
import dev.fusedio.gateway.engine.DeviceSource;
import dev.fusedio.gateway.engine.InMemoryBlockDevices;
import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

class AttachmentsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final String REMOTE = "nbd://192.0.2.7/disk";
    private static final Instant NOW = Instant.parse("2026-01-02T03:04:05Z");

    @TempDir
    private Path directory;

    private final InMemoryBlockDevices devices = new InMemoryBlockDevices();
    private CatalogueFixture volumes;
    private Attachments attachments;

    @BeforeEach
    void start() {
        start("keep");
    }

    @AfterEach
    void stop() {
        attachments.stop();
        volumes.stop();
    }

    @Test
    void attachesAndDetaches() {
        final Attachment made = attach("demo", "");

        assertThat(made.state()).isEqualTo(AttachmentState.LIVE);
        assertThat(made.record().createdAt()).isEqualTo(NOW);
        assertThat(attachments.attachments()).containsExactly(made);
        assertThat(recordOf(made)).exists();
        assertThat(devices.device(0).spec().name()).isEqualTo(made.id());
        assertThat(devices.device(0).source()).isInstanceOf(DeviceSource.Local.class);

        block(attachments.delete(made.id(), Precondition.any(), false));

        assertThat(attachments.attachments()).isEmpty();
        assertThat(devices.numbers()).isEmpty();
        assertThat(recordOf(made)).doesNotExist();
        assertProblem(
                ProblemType.ATTACHMENT_NOT_FOUND,
                () -> block(attachments.delete(made.id(), Precondition.any(), false)));
    }

    @Test
    void oneSourceHasOneWriter() {
        attach("demo", "");
        attach("", REMOTE);

        assertProblem(ProblemType.VOLUME_IN_USE, () -> attach("demo", ""));
        assertProblem(ProblemType.VOLUME_IN_USE, () -> attach("demo", "", true));
        assertProblem(ProblemType.ATTACHMENT_IN_USE, () -> attach("", REMOTE));
        assertProblem(ProblemType.VOLUME_NOT_FOUND, () -> attach("nobody", ""));
        assertThat(devices.numbers()).containsExactly(0, 1);
    }

    @Test
    void readersShare() {
        attach("demo", "", true);
        attach("demo", "", true);

        assertProblem(ProblemType.VOLUME_IN_USE, () -> attach("demo", "", false));
        assertThat(attachments.attachments()).hasSize(2);
    }

    @Test
    void readersOfOneVolumeAreAllRecoveredAtOnce() {
        attach("demo", "", true);
        attach("demo", "", true);
        attach("demo", "", true);
        kill();

        start("keep");

        assertThat(attachments.attachments())
                .hasSize(3)
                .allSatisfy(attachment -> assertThat(attachment.state()).isEqualTo(AttachmentState.LIVE));
    }

    @Test
    void ofManyThatAttachOneVolumeOneDoes() {
        final Long made = block(Flux.range(0, 30)
                .flatMap(
                        n -> attachments
                                .create(wanted("demo", "", false))
                                .map(attachment -> 1)
                                .onErrorResume(ProblemException.class, problem -> Mono.empty()),
                        30)
                .count());

        assertThat(made).isEqualTo(1);
        assertThat(devices.numbers()).containsExactly(0);
    }

    @Test
    void anAttachedVolumeStaysAsItIs() {
        final Attachment made = attach("demo", "");

        assertProblem(ProblemType.VOLUME_IN_USE, () -> volumes.delete("demo", false));
        assertProblem(ProblemType.VOLUME_IN_USE, () -> volumes.delete("demo", true));
        assertProblem(ProblemType.VOLUME_IN_USE, () -> volumes.rename("demo", "other"));

        block(attachments.delete(made.id(), Precondition.any(), false));
        volumes.rename("demo", "other");
        assertThat(volumes.names()).containsExactly("other");
    }

    @Test
    void growsWithItsVolume() {
        final Attachment made = attach("demo", "");

        volumes.grow("demo", 2L << 30);

        assertThat(devices.device(0).size()).isEqualTo(2L << 30);
        assertThat(attachments.get(made.id()).notice()).isEmpty();
    }

    @Test
    void saysWhenTheKernelCanNotGrowIt() {
        devices.oldKernel();
        final Attachment made = attach("demo", "");

        volumes.grow("demo", 2L << 30);

        assertThat(devices.device(0).size()).isEqualTo(1L << 30);
        assertThat(attachments.get(made.id()).notice()).contains("UBLK_F_UPDATE_SIZE");
        assertThat(attachments.get(made.id()).state()).isEqualTo(AttachmentState.LIVE);
    }

    @Test
    void saysSoStillOfADeviceThatWasTakenOver() {
        devices.oldKernel();
        final Attachment made = attach("demo", "");
        volumes.grow("demo", 2L << 30);
        kill();

        start("keep");

        assertThat(attachments.get(made.id()).state()).isEqualTo(AttachmentState.LIVE);
        assertThat(attachments.get(made.id()).notice()).contains("UBLK_F_UPDATE_SIZE");
    }

    @Test
    void whatIsInUseIsDetachedOnlyByForce() {
        final Attachment made = attach("demo", "");
        devices.device(0).used(true);

        assertProblem(
                ProblemType.ATTACHMENT_IN_USE, () -> block(attachments.delete(made.id(), Precondition.any(), false)));
        assertThat(devices.numbers()).containsExactly(0);
        assertThat(recordOf(made)).exists();

        block(attachments.delete(made.id(), Precondition.any(), true));
        assertThat(devices.numbers()).isEmpty();
    }

    @Test
    void aDeviceWhoseRecordCanNotBeWrittenIsNotMade() throws IOException {
        Files.writeString(directory.resolve(".attachments"), "in the way");

        assertThatExceptionOfType(DataPlaneException.class).isThrownBy(() -> attach("demo", ""));

        assertThat(devices.numbers()).isEmpty();
        assertThat(attachments.attachments()).isEmpty();
        Files.delete(directory.resolve(".attachments"));
        attach("demo", "");
    }

    @Test
    void afterAKillTheDeviceIsRecovered() {
        final Attachment local = attach("demo", "");
        final Attachment remote = attach("", REMOTE);

        kill();
        start("keep");

        assertThat(attachments.attachments()).extracting(Attachment::id).contains(local.id(), remote.id());
        assertThat(attachments.attachments()).allSatisfy(attachment -> {
            assertThat(attachment.state()).isEqualTo(AttachmentState.LIVE);
            assertThat(attachment.record().recoveries()).isEqualTo(1);
        });
        assertThat(devices.device(0).events()).containsExactly("attached", "recovered");
        assertThat(devices.device(1).events()).containsExactly("attached", "recovered");
        kill();
        start("keep");
        assertThat(attachments.get(local.id()).record().recoveries()).isEqualTo(2);
    }

    @Test
    void afterARebootTheDeviceIsMadeAgain() {
        attach("", REMOTE);
        final Attachment second = attach("demo", "");

        kill();
        devices.reboot();
        start("keep");

        assertThat(devices.numbers()).containsExactly(0, 1);
        assertThat(devices.device(1).spec().name()).isEqualTo(second.id());
        assertThat(attachments.get(second.id()).record().recoveries()).isZero();
    }

    @Test
    void aStopLeavesTheDeviceToTheNextStart() {
        attach("demo", "");

        restart();

        assertThat(devices.device(0).events()).containsExactly("attached", "left", "recovered");
    }

    @Test
    void aStopOnAnOldKernelRemovesTheDeviceAndTheStartMakesItAgain() {
        devices.oldKernel();
        final Attachment made = attach("demo", "");

        attachments.stop();
        assertThat(devices.numbers()).isEmpty();
        volumes.stop();
        start("keep");

        assertThat(attachments.get(made.id()).state()).isEqualTo(AttachmentState.LIVE);
    }

    @Test
    void aStopRemovesWhereThatIsSet() {
        stop();
        start("remove");
        final Attachment made = attach("demo", "");

        restart();

        assertThat(devices.numbers()).isEmpty();
        assertThat(attachments.attachments()).isEmpty();
        assertThat(recordOf(made)).doesNotExist();
    }

    @Test
    void whatCanNotBeRestoredWaitsAndIsTriedAgain() {
        final Attachment made = attach("demo", "");
        kill();
        devices.obstacle("open /dev/ublk-control: modprobe ublk_drv");
        start("keep");

        assertThat(attachments.get(made.id()).state()).isEqualTo(AttachmentState.WAITING);
        assertThat(attachments.get(made.id()).notice()).contains("modprobe");
        assertThat(block(attachments.orphans())).isEmpty();
        assertProblem(ProblemType.VOLUME_IN_USE, () -> volumes.delete("demo", true));

        devices.obstacle("");
        attachments.restore().block(PATIENCE);

        assertThat(attachments.get(made.id()).state()).isEqualTo(AttachmentState.LIVE);
        assertThat(attachments.get(made.id()).notice()).isEmpty();
    }

    @Test
    void whatWaitsCanBeDetachedWithTheDeviceThatWasLeft() {
        final Attachment made = attach("demo", "");
        kill();
        devices.fail(new DataPlaneException("EIO", "no luck"));
        start("keep");
        devices.device(0).used(true);

        assertProblem(
                ProblemType.ATTACHMENT_IN_USE, () -> block(attachments.delete(made.id(), Precondition.any(), false)));
        block(attachments.delete(made.id(), Precondition.any(), true));

        assertThat(devices.numbers()).isEmpty();
        assertThat(recordOf(made)).doesNotExist();
    }

    @Test
    void aDeviceThatWasStoppedMeanwhileIsMadeAgain() {
        attach("demo", "");
        kill();
        devices.device(0).stop();

        start("keep");

        assertThat(devices.device(0).events()).containsExactly("attached");
        assertThat(attachments.attachments().getFirst().state()).isEqualTo(AttachmentState.LIVE);
    }

    @Test
    void tellsWhenSomebodyElseStopsADevice() {
        attach("demo", "");
        devices.device(0).stop();

        assertThat(attachments.attachments().getFirst().state()).isEqualTo(AttachmentState.STOPPED);
    }

    @Test
    void findsOrphansAndRemovesThem() {
        attach("demo", "");
        devices.left(5, "of another").used(true);

        assertThat(block(attachments.orphans()))
                .singleElement()
                .satisfies(orphan -> assertThat(orphan.device()).isEqualTo("/dev/ublkb5"));
        assertProblem(
                ProblemType.ATTACHMENT_NOT_FOUND, () -> block(attachments.deleteOrphan(0, Precondition.any(), true)));
        assertProblem(
                ProblemType.ATTACHMENT_IN_USE, () -> block(attachments.deleteOrphan(5, Precondition.any(), false)));
        block(attachments.deleteOrphan(5, Precondition.any(), true));

        assertThat(devices.numbers()).containsExactly(0);
    }

    /** Records written before there was a timeout have none. */
    @Test
    void theTimeoutIsKeptAndOlderRecordsHaveTheUsualOne() throws IOException {
        final Attachment remote =
                block(attachments.create(new NewAttachment("", REMOTE, 0, 128, false, DeviceMechanism.AUTO, 2, 90)));
        restart();
        assertThat(devices.device(0).source()).isEqualTo(new DeviceSource.Remote(REMOTE, 2, Duration.ofSeconds(90)));

        kill();
        final String json = Files.readString(recordOf(remote));
        assertThat(json).containsPattern("\"timeoutSeconds\" ?: ?90,");
        Files.writeString(recordOf(remote), json.replaceFirst("\"timeoutSeconds\" ?: ?90,", ""));
        start("keep");
        assertThat(devices.device(0).source()).isEqualTo(new DeviceSource.Remote(REMOTE, 2, Duration.ofSeconds(30)));
    }

    @Test
    void aDamagedRecordIsSetAsideAndTheOthersServed() throws IOException {
        final Attachment bad = attach("", REMOTE);
        final Attachment good = attach("demo", "");
        kill();
        Files.writeString(recordOf(bad), "{");

        start("keep");

        assertThat(attachments.attachments()).extracting(Attachment::id).containsExactly(good.id());
        assertThat(recordOf(bad)).exists();
        assertThat(block(attachments.orphans())).hasSize(1);
    }

    private void start(final String onStop) {
        volumes = new CatalogueFixture(directory);
        attachments = new Attachments(
                devices,
                volumes.catalogue(),
                TestProperties.of(Map.of("gateway.attachments.on-stop", onStop)),
                new EventJournal(Clock.systemUTC()),
                Clock.fixed(NOW, ZoneOffset.UTC));
        volumes.start();
        attachments.start();
    }

    private void restart() {
        stop();
        start("keep");
    }

    /** Ends the process without a word to the devices; the files are let go of as the system would. */
    private void kill() {
        devices.kill();
        devices.obstacle("dead processes do nothing");
        stop();
        devices.obstacle("");
    }

    private Path recordOf(final Attachment attachment) {
        return directory.resolve(".attachments").resolve(attachment.id() + ".json");
    }

    private Attachment attach(final String volume, final String source) {
        return attach(volume, source, false);
    }

    private Attachment attach(final String volume, final String source, final boolean readOnly) {
        return block(attachments.create(wanted(volume, source, readOnly)));
    }

    private static NewAttachment wanted(final String volume, final String source, final boolean readOnly) {
        return new NewAttachment(volume, source, 0, 128, readOnly, DeviceMechanism.AUTO, 1, 30);
    }

    private static void assertProblem(final ProblemType type, final Runnable work) {
        assertThatExceptionOfType(ProblemException.class)
                .isThrownBy(work::run)
                .satisfies(problem -> assertThat(problem.type()).isEqualTo(type));
    }

    private static <T> T block(final Mono<T> work) {
        return work.block(PATIENCE);
    }
}
