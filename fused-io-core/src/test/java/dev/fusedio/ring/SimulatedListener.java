package dev.fusedio.ring;

import dev.fusedio.sys.Errno;
import java.util.ArrayDeque;
import java.util.Deque;

/** A listening socket of a simulated kernel; the test connects to it. */
public final class SimulatedListener extends SimulatedDescriptor {
    private final SimulatedRing ring;
    private final Deque<SimulatedSocket> waiting = new ArrayDeque<>();
    private int failure;
    private int accepts;

    SimulatedListener(final SimulatedRing ring) {
        this.ring = ring;
    }

    /** Has every accept answered with a negated error number from now on; 0 for none. */
    public void failWith(final int negated) {
        failure = negated;
    }

    /** Accepts that were tried, answered or not. */
    public int accepts() {
        return accepts;
    }

    /** Connects. The program gets the other end when it accepts; the peer may write at once. */
    public SimulatedSocket connect() {
        final SimulatedSocket socket = ring.socket();
        waiting.add(socket);
        return socket;
    }

    /** Connections that have not been accepted yet. */
    public int waiting() {
        return waiting.size();
    }

    @Override
    boolean ready(final SimulatedOperation operation) {
        return failure < 0 || !waiting.isEmpty();
    }

    @Override
    int perform(final SimulatedOperation operation, final SimulatedRing owner) {
        if (operation.opcode != IoUring.OP_ACCEPT) {
            return -Errno.EINVAL;
        }
        if (failure < 0) {
            accepts++;
            return failure;
        }
        if (owner.chance().happens(Fault.EMFILE)) {
            return -Errno.EMFILE;
        }
        final SimulatedSocket socket = waiting.poll();
        if (socket == null) {
            return BLOCKED;
        }
        final boolean again = (operation.ioprio & IoUring.ACCEPT_MULTISHOT) != 0
                && !owner.chance().happens(Fault.MULTISHOT_END);
        if (!again) {
            return socket.fd();
        }
        owner.post(operation.userData, socket.fd(), IoUring.CQE_F_MORE);
        return UNFINISHED;
    }
}
