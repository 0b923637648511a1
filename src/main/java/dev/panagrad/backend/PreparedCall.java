package dev.panagrad.backend;

import dev.panagrad.tensor.Tensor;
import java.util.Objects;
import java.util.stream.Stream;

/**
 * A call of {@link LinearAlgebra} whose operands have been checked once and keep their places, for
 * what is computed again and again from new contents of the same memory: each row that a service
 * predicts, each small product of a loop.
 *
 * <pre>{@code
 * PreparedCall predict = backend.linear().preparePredict(x, 0, 1, model, out);
 * while (...) {
 *   // write a row into x
 *   predict.run();
 *   // read out
 * }
 * }</pre>
 *
 * <p>Threading: any thread, one at a time: each call writes the same output, so that threads that
 * compute at once prepare a call each. Ownership: none; it keeps its operands reachable.
 */
public final class PreparedCall {
  private final Lifetime lifetime;
  private final boolean onHost;
  private final Tensor[] operands;
  private final Runnable kernel;

  PreparedCall(Lifetime lifetime, boolean onHost, Runnable kernel, Tensor... operands) {
    this.lifetime = lifetime;
    this.onHost = onHost;
    this.kernel = kernel;
    this.operands = Stream.of(operands).filter(Objects::nonNull).toArray(Tensor[]::new);
  }

  /**
   * Computes from what the operands now hold.
   *
   * @throws IllegalStateException if the backend or an operand's memory was closed
   * @throws WrongThreadException if an operand belongs to another thread
   */
  public void run() {
    lifetime.requireOpen();
    if (!onHost) {
      requireUsable();
    }
    try {
      kernel.run();
    } catch (IllegalStateException | WrongThreadException e) {
      // The JDK checks each access to memory of the host, which is free, and names no tensor.
      requireUsable();
      throw e;
    }
  }

  private void requireUsable() {
    for (Tensor operand : operands) {
      operand.requireUsable();
    }
  }
}
