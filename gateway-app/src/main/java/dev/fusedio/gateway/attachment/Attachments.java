package dev.fusedio.gateway.attachment;

import dev.fusedio.gateway.catalogue.Catalogue;
import dev.fusedio.gateway.catalogue.RecordFolder;
import dev.fusedio.gateway.catalogue.VolumeUse;
import dev.fusedio.gateway.config.GatewayProperties;
import dev.fusedio.gateway.config.StartRefusedException;
import dev.fusedio.gateway.engine.BlockDevice;
import dev.fusedio.gateway.engine.BlockDevices;
import dev.fusedio.gateway.engine.DataPlaneException;
import dev.fusedio.gateway.engine.DeviceSource;
import dev.fusedio.gateway.engine.FoundDevice;
import dev.fusedio.gateway.events.EventJournal;
import dev.fusedio.gateway.web.Precondition;
import dev.fusedio.gateway.web.ProblemException;
import dev.fusedio.gateway.web.ProblemType;
import java.time.Clock;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Service;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The attachments of this node. Each has a record in the pool, and its device carries the record's id: so a process
 * that starts finds the devices that another has left, and makes those again that a reboot has taken. Any thread may
 * call.
 */
@Service
public final class Attachments implements SmartLifecycle, VolumeUse {
    /** After the NBD server, which may serve what is attached here; before HTTP. */
    public static final int PHASE = -50;

    private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);
    private static final Duration START_LIMIT = Duration.ofMinutes(1);
    private static final Duration STOP_LIMIT = Duration.ofSeconds(15);
    private static final Duration RETRY = Duration.ofSeconds(10);

    private final BlockDevices devices;
    private final LeftDevices left;
    private final Catalogue catalogue;
    private final RecordFolder<AttachmentRecord> records;
    private final boolean keep;
    private final Clock clock;
    private final ConcurrentMap<String, Attachment> all = new ConcurrentHashMap<>();
    private final OneChangeEach changes = new OneChangeEach();
    private final AttachmentEvents events;
    private volatile @Nullable Disposable retries;

    /**
     * @param clock for the records' times
     */
    Attachments(
            final BlockDevices devices,
            final Catalogue catalogue,
            final GatewayProperties properties,
            final EventJournal journal,
            final Clock clock) {
        this.devices = devices;
        this.left = new LeftDevices(devices);
        this.catalogue = catalogue;
        this.records = catalogue.folder("attachments", AttachmentRecord.class);
        this.keep = properties.attachments().onStop() == GatewayProperties.OnStop.KEEP;
        this.events = new AttachmentEvents(journal);
        this.clock = clock;
        catalogue.watch(this);
    }

    /** All, in the order in which they were made. */
    public List<Attachment> attachments() {
        return all.values().stream()
                .sorted(Comparator.comparing(
                                (Attachment attachment) -> attachment.record().createdAt())
                        .thenComparing(Attachment::id))
                .toList();
    }

    /**
     * An attachment.
     *
     * @throws ProblemException if there is none
     */
    Attachment get(final String id) {
        final Attachment attachment = all.get(id);
        if (attachment == null) {
            throw notFound(id);
        }
        return attachment;
    }

    /** Devices of this program that no process serves and no attachment here knows; none where there can be none. */
    public Mono<List<FoundDevice>> orphans() {
        return left.orphans(all.keySet());
    }

    /** Attaches. What is answered is there after a restart. */
    Mono<Attachment> create(final NewAttachment wanted) {
        final UUID id = UUID.randomUUID();
        final AttachmentRecord record = AttachmentRecord.of(id, wanted, -1, clock.instant());
        return changes.alone(record.behind(), Mono.defer(() -> {
            requireNotAttached(record);
            return on(
                    record,
                    source -> devices.attach(source, record.spec()).flatMap(device -> {
                        final AttachmentRecord made = record.servedAs(device.number(), false);
                        return records.write(made.id().toString(), made)
                                .onErrorResume(failure ->
                                        device.detach().onErrorComplete().then(Mono.error(failure)))
                                .then(Mono.fromSupplier(() -> publish(new Attachment(made, device, ""))))
                                .doOnNext(events::created);
                    }));
        }));
    }

    /** Checks what {@link #create} checks, but for what another server would say, and attaches nothing. */
    Mono<Attachment> draft(final NewAttachment wanted) {
        final AttachmentRecord record = AttachmentRecord.of(UUID.randomUUID(), wanted, -1, clock.instant());
        return Mono.defer(() -> {
            requireNotAttached(record);
            return on(record, source -> devices.check(source, record.spec()))
                    .thenReturn(new Attachment(record, null, ""));
        });
    }

    /**
     * Detaches: removes the device, then the record.
     *
     * @param precondition which state is meant
     * @param force whether that is done although something uses the device
     */
    Mono<Void> delete(final String id, final Precondition precondition, final boolean force) {
        return deletable(
                id,
                precondition,
                force,
                attachment -> (attachment.device() == null
                                ? left.remove(id)
                                : attachment.device().detach())
                        .then(records.delete(id))
                        .then(Mono.fromRunnable(() -> {
                            all.remove(id);
                            events.deleted(attachment);
                        })));
    }

    /** Checks what {@link #delete} checks, and detaches nothing. */
    Mono<Void> draftDeletion(final String id, final Precondition precondition, final boolean force) {
        return deletable(id, precondition, force, attachment -> Mono.empty());
    }

    /** Removes a device that no process serves and that is no attachment's. */
    Mono<Void> deleteOrphan(final int number, final Precondition precondition, final boolean force) {
        return deletableOrphan(number, precondition, force, devices.remove(number));
    }

    /** Checks what {@link #deleteOrphan} checks, and removes nothing. */
    Mono<Void> draftOrphanDeletion(final int number, final Precondition precondition, final boolean force) {
        return deletableOrphan(number, precondition, force, Mono.empty());
    }

    private Mono<Void> deletable(
            final String id,
            final Precondition precondition,
            final boolean force,
            final Function<Attachment, Mono<Void>> work) {
        return Mono.defer(() -> changes.alone(get(id).record().behind(), Mono.defer(() -> {
            final Attachment attachment = get(id);
            precondition.require(attachment.etag(), "The attachment " + id);
            return (force ? Mono.<Void>empty() : requireIdle(attachment)).then(work.apply(attachment));
        })));
    }

    private Mono<Void> deletableOrphan(
            final int number, final Precondition precondition, final boolean force, final Mono<Void> work) {
        return changes.alone("device " + number, orphans().flatMap(orphans -> {
            final String id = AttachmentView.ORPHAN + number;
            final FoundDevice orphan = orphans.stream()
                    .filter(device -> device.number() == number)
                    .findFirst()
                    .orElseThrow(() -> notFound(id));
            precondition.require(AttachmentView.etag(orphan), "The device " + id);
            return (force ? Mono.<Void>empty() : left.requireIdle(number)).then(work);
        }));
    }

    @Override
    public Optional<String> useOf(final String volume) {
        return attachments().stream()
                .filter(attachment -> attachment.record().volume().equals(volume))
                .findFirst()
                .map(attachment -> "the attachment " + attachment.id() + " (/dev/ublkb"
                        + attachment.record().number() + ")");
    }

    @Override
    public Mono<Void> grown(final String volume) {
        return Flux.fromIterable(attachments())
                .filter(attachment -> attachment.record().volume().equals(volume))
                .flatMap(attachment -> {
                    final BlockDevice device = attachment.device();
                    return device == null ? Mono.<Void>empty() : resize(attachment.id(), device);
                })
                .then();
    }

    private Mono<Void> resize(final String id, final BlockDevice device) {
        return device.resize().then(Mono.<Void>fromRunnable(() -> note(id, ""))).onErrorResume(failure -> {
            note(id, "volume grown, device not: " + failure.getMessage());
            return Mono.empty();
        });
    }

    /** Takes over or makes again what is recorded and not served. Never fails: what could not be is told and kept. */
    Mono<Void> restore() {
        final Map<String, List<Attachment>> bySource = attachments().stream()
                .filter(attachment -> attachment.device() == null)
                .collect(Collectors.groupingBy(attachment -> attachment.record().behind()));
        // those that read one source take turns, since it lets one change at a time be made
        return Flux.fromIterable(bySource.values())
                .flatMap(same -> Flux.fromIterable(same).concatMap(this::restoreOrNote))
                .then(Mono.fromRunnable(this::look));
    }

    private Mono<Attachment> restoreOrNote(final Attachment attachment) {
        return changes.alone(attachment.record().behind(), Mono.defer(() -> restore(attachment.id())))
                .onErrorResume(failure -> {
                    // once for each reason, not at every attempt
                    if (note(attachment.id(), String.valueOf(failure.getMessage()))) {
                        LOG.warn("attachment {} waits: {}", attachment.id(), failure.getMessage());
                    }
                    return Mono.empty();
                });
    }

    @Override
    public void start() {
        records.readAll()
                .onErrorMap(
                        DataPlaneException.class,
                        e -> new StartRefusedException(
                                "the records of attachments can't be read: " + e.getMessage(), e))
                .doOnNext(found -> found.forEach(this::load))
                .then(Mono.defer(this::restore))
                .timeout(START_LIMIT, Mono.fromRunnable(() -> LOG.warn("some attachments are still being restored")))
                .block();
        retries = Flux.interval(RETRY)
                .onBackpressureDrop()
                .concatMap(tick -> restore(), 1)
                .subscribe();
    }

    @Override
    public void stop() {
        final Disposable stopping = retries;
        if (stopping != null) {
            retries = null;
            stopping.dispose();
        }
        Flux.fromIterable(attachments())
                .flatMap(attachment -> end(attachment).onErrorResume(failure -> {
                    LOG.warn("attachment {} was not ended cleanly: {}", attachment.id(), failure.getMessage());
                    return Mono.empty();
                }))
                .then()
                .timeout(STOP_LIMIT, Mono.fromRunnable(() -> LOG.warn("attachments were not ended in time")))
                .block();
        all.clear();
        events.clear();
    }

    @Override
    public boolean isRunning() {
        return retries != null;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }

    /** In the map's turn: what is removed meanwhile is not looked at afterwards. */
    private void look() {
        attachments()
                .forEach(attachment -> all.computeIfPresent(attachment.id(), (id, now) -> {
                    events.look(now);
                    return now;
                }));
    }

    private void load(final RecordFolder.Found<AttachmentRecord> found) {
        final AttachmentRecord record = found.record();
        if (record == null) {
            LOG.error("attachment {} is damaged and set aside: {}", found.id(), found.reason());
        } else {
            publish(new Attachment(record, null, "not tried yet"));
        }
    }

    private Mono<Attachment> restore(final String id) {
        final Attachment attachment = all.get(id);
        if (attachment == null || attachment.device() != null) {
            return Mono.empty();
        }
        final AttachmentRecord record = attachment.record();
        return on(
                record,
                source -> left.serve(id, source, record.spec()).flatMap(again -> {
                    final BlockDevice device = again.device();
                    final AttachmentRecord served = record.servedAs(device.number(), again.recovered());
                    // published first: the device is served, whether or not the record can be written
                    events.changed(publish(new Attachment(served, device, "")));
                    LOG.info("attachment {} is served again as /dev/ublkb{}", id, device.number());
                    // of a device that is taken over its old size and the reason for it were not kept
                    return records.write(id, served)
                            .then(again.recovered() ? resize(id, device) : Mono.empty())
                            .then(Mono.fromSupplier(() -> Objects.requireNonNull(all.get(id))));
                }));
    }

    private Mono<Void> requireIdle(final Attachment attachment) {
        final BlockDevice device = attachment.device();
        return device == null
                ? left.requireIdle(attachment.id())
                : LeftDevices.requireIdle(device.isInUse(), device.number());
    }

    /** Two devices on one source would each cache it and overwrite the other's data; only readers can share. */
    private void requireNotAttached(final AttachmentRecord wanted) {
        attachments().stream()
                .map(Attachment::record)
                .filter(other -> other.behind().equals(wanted.behind()))
                .filter(other -> !other.readOnly() || !wanted.readOnly())
                .findFirst()
                .ifPresent(other -> {
                    throw new ProblemException(
                            wanted.volume().isEmpty() ? ProblemType.ATTACHMENT_IN_USE : ProblemType.VOLUME_IN_USE,
                            "The " + (wanted.volume().isEmpty() ? "export " : "") + wanted.behind()
                                    + " is attached already, as /dev/ublkb" + other.number() + " (" + other.id()
                                    + "). It can be attached more than once only if every time it is read-only.");
                });
    }

    /** Does {@code work} on what is behind the device; a volume doesn't change meanwhile. */
    private <T> Mono<T> on(final AttachmentRecord record, final Work<T> work) {
        return record.volume().isEmpty()
                ? work.on(record.remote())
                : catalogue.using(record.volume(), volume -> work.on(new DeviceSource.Local(volume.open())));
    }

    private Mono<Void> end(final Attachment attachment) {
        final BlockDevice device = attachment.device();
        if (device == null) {
            return Mono.empty();
        }
        if (!keep) {
            return device.detach().then(records.delete(attachment.id()));
        }
        return device.leave().onErrorResume(DataPlaneException.class, failure -> {
            if (!failure.errno().equals("EOPNOTSUPP")) {
                return Mono.error(failure);
            }
            LOG.warn(
                    "/dev/ublkb{} is stopped, and made again at the next start: {}",
                    device.number(),
                    failure.getMessage());
            return device.detach();
        });
    }

    private Attachment publish(final Attachment attachment) {
        all.put(attachment.id(), attachment);
        return attachment;
    }

    /** Whether that is news. */
    private boolean note(final String id, final String notice) {
        final Attachment before = all.get(id);
        all.computeIfPresent(id, (same, now) -> new Attachment(now.record(), now.device(), notice));
        return before != null && !before.notice().equals(notice);
    }

    private static ProblemException notFound(final String id) {
        return new ProblemException(ProblemType.ATTACHMENT_NOT_FOUND, "There is no attachment " + id + ".");
    }

    /** What is done on a source. */
    @FunctionalInterface
    private interface Work<T> {
        Mono<T> on(DeviceSource source);
    }
}
