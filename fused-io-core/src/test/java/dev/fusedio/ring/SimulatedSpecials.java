package dev.fusedio.ring;

import dev.fusedio.sys.Errno;

/** Targets of operations that work on no simulated file or socket. */
final class SimulatedSpecials {
    private SimulatedSpecials() {}

    /** The real eventfd that other threads wake a loop by. There are none here, so that its read stays pending. */
    static final class WakeUp extends SimulatedDescriptor {
        @Override
        boolean ready(final SimulatedOperation operation) {
            return false;
        }

        @Override
        int perform(final SimulatedOperation operation, final SimulatedRing ring) {
            if (!ring.chance().happens(Fault.SPURIOUS_WAKE_UP)) {
                return BLOCKED;
            }
            return ring.chance().happens(Fault.EINTR) ? -Errno.EINTR : Long.BYTES;
        }
    }

    /** The notification of SEND_ZC: the kernel has let go of the payload. */
    static final class Notification extends SimulatedDescriptor {
        @Override
        boolean ready(final SimulatedOperation operation) {
            return true;
        }

        @Override
        int perform(final SimulatedOperation operation, final SimulatedRing ring) {
            ring.notified(operation);
            return UNFINISHED;
        }
    }

    /** Operations that need no descriptor of their own. */
    static final class NoFile extends SimulatedDescriptor {
        @Override
        boolean ready(final SimulatedOperation operation) {
            return true;
        }

        @Override
        int perform(final SimulatedOperation operation, final SimulatedRing ring) {
            return switch (operation.opcode) {
                case IoUring.OP_NOP -> 0;
                case IoUring.OP_ASYNC_CANCEL -> ring.cancel(operation.addr);
                case IoUring.OP_CLOSE -> ring.closeDescriptor(operation.fd);
                case IoUring.OP_MSG_RING -> ring.messageRing(operation);
                default -> throw new AssertionError("not simulated: " + operation);
            };
        }
    }
}
