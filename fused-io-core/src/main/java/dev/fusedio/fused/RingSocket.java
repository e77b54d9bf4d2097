package dev.fusedio.fused;

/**
 * A connected stream socket as one loop's ring addresses it.
 *
 * @param file how the ring finds it
 * @param mechanism how it borrows buffers that are the kernel's
 */
public record RingSocket(RingFile file, SocketMechanism mechanism) {}
