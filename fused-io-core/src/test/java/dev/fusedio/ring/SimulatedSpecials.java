package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import dev.fusedio.sys.Memory;

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

    /** /dev/zero, read by a busy worker: what reads it waits for its turn. */
    static final class Zeroes extends SimulatedDescriptor {
        private static final int TURN = 64;

        private int attempts;

        @Override
        boolean ready(final SimulatedOperation operation) {
            return true;
        }

        @Override
        int perform(final SimulatedOperation operation, final SimulatedRing ring) {
            if (operation.opcode != IoUring.OP_READ && operation.opcode != IoUring.OP_READ_FIXED) {
                return -Errno.EINVAL;
            }
            attempts++;
            if (attempts % TURN != 0) {
                return BLOCKED;
            }
            final int fault = ring.chance().passing();
            if (fault != 0) {
                return fault;
            }
            final int length = ring.chance().perhapsShort(operation.total());
            Memory.zero(operation.at(), length);
            return length;
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
                default -> throw new AssertionError("not simulated: " + operation);
            };
        }
    }
}
