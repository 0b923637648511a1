package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * Works on copies of the same matrix in turns, so that a repetition does not find in the cache what
 * the one before has read.
 */
final class RotatingContender implements Contender {
  /** Many times the cache of most machines. */
  private static final long ENOUGH_BYTES = 512L << 20;

  private final List<Contender> copies;
  private final Runnable closing;
  private int next;

  private RotatingContender(List<Contender> copies, Runnable closing) {
    this.copies = copies;
    this.closing = closing;
  }

  /** The matrix and as many copies of it as exceed the caches. */
  static List<Tensor> copies(Tensor x, TensorArena memory) {
    List<Tensor> copies = new ArrayList<>(List.of(x));
    for (long bytes = x.spanBytes(); bytes < ENOUGH_BYTES; bytes += x.spanBytes()) {
      copies.add(memory.allocate(x.name() + " copy", DType.F32, x.rows(), x.cols()).copyFrom(x));
    }
    return copies;
  }

  static Contender over(List<Tensor> copies, Function<Tensor, Contender> contender) {
    return over(copies, contender, () -> {});
  }

  static Contender over(
      List<Tensor> copies, Function<Tensor, Contender> contender, Runnable closing) {
    return new RotatingContender(copies.stream().map(contender).toList(), closing);
  }

  @Override
  public void repeat(long times) {
    if (copies.size() == 1) {
      // Short work is repeated where it can be compiled together with its loop.
      copies.getFirst().repeat(times);
      return;
    }
    for (long i = 0; i < times; i++) {
      copies.get(next).repeat(1);
      next = next + 1 < copies.size() ? next + 1 : 0;
    }
  }

  @Override
  public Optional<String> disagreement() {
    return copies.stream().map(Contender::disagreement).flatMap(Optional::stream).findFirst();
  }

  @Override
  public void close() {
    copies.forEach(Contender::close);
    closing.run();
  }
}
