package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.util.Optional;

/** Computes an output from inputs that never change. */
final class OutputContender implements Contender {
  /** A loop around the call. */
  @FunctionalInterface
  interface Loop {
    void repeat(long times);
  }

  private final Loop loop;
  private final Tensor output;
  private final Expected expected;
  private final Runnable closing;

  OutputContender(Loop loop, Tensor output, Expected expected) {
    this(loop, output, expected, () -> {});
  }

  OutputContender(Loop loop, Tensor output, Expected expected, Runnable closing) {
    this.loop = loop;
    this.output = output;
    this.expected = expected;
    this.closing = closing;
  }

  @Override
  public void repeat(long times) {
    loop.repeat(times);
  }

  @Override
  public Optional<String> disagreement() {
    output.fill(Double.NaN);
    loop.repeat(1);
    return expected.disagreement(output);
  }

  @Override
  public void close() {
    closing.run();
  }
}
