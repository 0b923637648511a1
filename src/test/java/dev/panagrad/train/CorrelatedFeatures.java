package dev.panagrad.train;

import dev.panagrad.data.Dataset;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Features that share a factor, {@code x_j = sqrt(rho) f + sqrt(1 - rho) z_j}: their correlation
 * matrix has the eigenvalues {@code 1 + (d - 1) rho} and {@code 1 - rho}, so that rho gives the
 * standardized X any condition number but for sampling.
 */
final class CorrelatedFeatures {
  private CorrelatedFeatures() {}

  /** F32; the target has alternating coefficients and as much noise as signal. */
  static Dataset withCondition(TensorArena arena, int n, int d, double condition, long seed) {
    double squared = condition * condition;
    double rho = (squared - 1) / (squared + d - 1);
    SplittableRandom random = new SplittableRandom(seed);
    Tensor x = arena.allocate("x", DType.F32, n, d);
    Tensor y = arena.allocate("y", DType.F32, n, 1);
    for (int i = 0; i < n; i++) {
      double factor = random.nextGaussian();
      double signal = 0;
      for (int j = 0; j < d; j++) {
        double value = Math.sqrt(rho) * factor + Math.sqrt(1 - rho) * random.nextGaussian();
        x.set(i, j, 3 + (j + 1) * value);
        signal += (j % 2 == 0 ? 1 : -0.5) * value;
      }
      y.set(i, 0, 10 + signal + Math.sqrt(d) * random.nextGaussian());
    }
    return new Dataset(IntStream.range(0, d).mapToObj(j -> "x" + j).toList(), List.of("y"), x, y);
  }
}
