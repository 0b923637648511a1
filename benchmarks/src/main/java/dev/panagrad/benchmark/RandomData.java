package dev.panagrad.benchmark;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Random;

/** Data that no kernel can have been prepared for. */
final class RandomData {
  private static final Random RANDOM = new Random();

  private RandomData() {}

  static Tensor tensor(TensorArena arena, String name, DType dtype, long... extents) {
    return fill(arena.allocate(name, dtype, extents));
  }

  static Tensor fill(Tensor tensor) {
    for (long i = 0; i < tensor.count(); i++) {
      tensor.set(i, RANDOM.nextGaussian());
    }
    return tensor;
  }
}
