package dev.fusedio.loop;

/** Who is told that code that a loop ran for it let an exception through. */
public interface FailureOwner {
    /**
     * A defect of this program: what the code was run for should end here, and be answered. The loop has reported the
     * exception and goes on. On the loop's thread.
     */
    void onFailure(RuntimeException e);
}
