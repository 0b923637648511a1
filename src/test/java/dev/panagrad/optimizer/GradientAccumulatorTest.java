package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The mean of gradients by their rows, against double precision. */
@Tag("simd")
class GradientAccumulatorTest {
  private static final int[] ROWS = {7, 1, 64, 3};

  @Test
  void meanByRows() {
    List<Backend> backends = TestBackends.open(2);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (int n : new int[] {1, 17, 1000}) {
          try (TensorArena arena = TensorArena.open("gradients")) {
            GradientAccumulator accumulator =
                new GradientAccumulator(
                    backend, arena, backend.allocate(arena, "like", dtype, Shape.of(n)));
            // The second mean knows nothing of the first.
            for (int round = 0; round < 2; round++) {
              check(backend, arena, dtype, accumulator, n, round);
            }
          }
        }
      }
    }
    TestBackends.close(backends);
  }

  private static void check(
      Backend backend,
      TensorArena arena,
      DType dtype,
      GradientAccumulator accumulator,
      int n,
      int round) {
    SplittableRandom random = new SplittableRandom(n + round);
    double[] sum = new double[n];
    double largest = 0;
    int rows = 0;
    for (int count : ROWS) {
      Tensor gradient = arena.allocate("gradient", dtype, n);
      for (int i = 0; i < n; i++) {
        gradient.set(i, random.nextGaussian());
        sum[i] += count * gradient.get(i);
        largest = Math.max(largest, Math.abs(gradient.get(i)));
      }
      rows += count;
      accumulator.add(backend.place(arena, gradient), count);
    }
    Tensor mean = arena.allocate("mean", dtype, n);
    backend.copy(accumulator.take(), mean);
    // Each gradient is taken in by a difference, a product, with a rounded share, and a sum; none
    // of them is larger than twice the largest element.
    double u = dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
    double bound = ROWS.length * 4 * u * 2 * largest;
    for (int i = 0; i < n; i++) {
      assertEquals(sum[i] / rows, mean.get(i), bound, backend.name() + " " + dtype + " " + i);
    }
  }

  @Test
  void misuse() {
    try (Backend backend = TestBackends.mirrored("simd", 1);
        TensorArena arena = TensorArena.open("gradients")) {
      GradientAccumulator accumulator =
          new GradientAccumulator(backend, arena, arena.allocate("like", DType.F32, 5));
      assertThrows(IllegalStateException.class, accumulator::take);
      Tensor gradient = arena.allocate("gradient", DType.F32, 5).fill(2);
      for (double weight : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
        assertThrows(
            IllegalArgumentException.class, () -> accumulator.add(gradient, weight), "" + weight);
      }
      Tensor longer = arena.allocate("longer", DType.F32, 6);
      Tensor other = arena.allocate("other", DType.F64, 5);
      assertThrows(IllegalArgumentException.class, () -> accumulator.add(longer, 1));
      assertThrows(IllegalArgumentException.class, () -> accumulator.add(other, 1));
      // What was refused has no part in the mean.
      accumulator.add(gradient, 3);
      assertEquals(2, accumulator.take().get(4));
      assertThrows(IllegalStateException.class, accumulator::take);
    }
  }
}
