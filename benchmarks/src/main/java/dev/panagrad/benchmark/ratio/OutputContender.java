package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.PreparedCall;
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

  /** A call of ours, prepared. */
  static OutputContender of(PreparedCall call, Tensor output, Expected expected, Runnable closing) {
    Loop loop =
        times -> {
          for (long i = 0; i < times; i++) {
            call.run();
          }
        };
    return new OutputContender(loop, output, expected, closing);
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
