package dev.fusedio.ublk;

/** How a block request's data reaches the operations that need it, best first. */
public enum Mechanism {
    /** The driver puts each request's pages into the ring's buffer table by itself (UBLK_F_AUTO_BUF_REG, Linux 6.16). */
    AUTO_REGISTRATION(UblkAbi.F_AUTO_BUF_REG | UblkAbi.F_SUPPORT_ZERO_COPY, "UBLK_F_AUTO_BUF_REG, Linux 6.16"),

    /** The queue asks for that before it borrows, and takes it back (UBLK_F_SUPPORT_ZERO_COPY, Linux 6.15). */
    REGISTRATION(UblkAbi.F_SUPPORT_ZERO_COPY, "UBLK_F_SUPPORT_ZERO_COPY, Linux 6.15"),

    /** The data is copied between the request and leased memory (UBLK_F_USER_COPY, Linux 6.5). */
    USER_COPY(0, "UBLK_F_USER_COPY, Linux 6.5");

    private final long flags;
    private final String needs;

    Mechanism(final long flags, final String needs) {
        this.flags = flags;
        this.needs = needs;
    }

    /** UBLK_F_* of it. User copy is always among them: it is what a single request falls back on. */
    long flags() {
        return flags | UblkAbi.F_USER_COPY;
    }

    /** The feature and the first kernel that has it, for messages. */
    String needs() {
        return needs;
    }

    /** Whether requests lend their own pages, so that payload does not enter this process. */
    public boolean lendsPages() {
        return this != USER_COPY;
    }

    /** The one that a device with these flags was made for. */
    static Mechanism of(final UblkDeviceInfo info) {
        for (final Mechanism mechanism : values()) {
            if (info.has(mechanism.flags())) {
                return mechanism;
            }
        }
        return USER_COPY;
    }
}
