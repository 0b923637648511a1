package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** The gradient of the mean squared error, F32, without intercept and loss: {@code X^T(Xw - y)}. */
final class GradientComparisons {
  private GradientComparisons() {}

  static Comparison of(
      long rows,
      long features,
      int threads,
      double blasGoal,
      double torchGoal,
      boolean isInMemory) {
    TensorArena memory = TensorArena.open("gradient");
    Tensor x = RandomValues.tensor(memory, "X", 1, rows, features);
    Tensor y = RandomValues.tensor(memory, "y", 2, rows);
    Tensor w = RandomValues.tensor(memory, "w", 3, 1, features);
    Expected expected = Expected.gradient(x, y, w);
    List<Rival> rivals = new ArrayList<>();
    rivals.add(
        new Rival(
            "OpenBLAS",
            "2 gemv",
            blasGoal,
            () -> {
              Tensor residual = memory.allocate("residual", DType.F32, rows);
              Tensor out = memory.allocate("BLAS gradient", DType.F32, features);
              return new OutputContender(
                  OpenBlasPeer.gradient(x, y, w, residual, out), out, expected);
            }));
    // The goal is against the faster of PyTorch's two ways; the other is what models with several
    // outputs call.
    rivals.add(
        new Rival(
            "PyTorch",
            "mv",
            torchGoal,
            () -> {
              Tensor out = memory.allocate("mv gradient", DType.F32, features);
              TorchPeer.Call call = TorchPeer.gradientByMv(x, y, w, out, threads);
              return new OutputContender(call::repeat, out, expected);
            }));
    rivals.add(
        new Rival(
            "PyTorch",
            "mm",
            Double.NaN,
            () -> {
              Tensor out = memory.allocate("mm gradient", DType.F32, features);
              TorchPeer.Call call = TorchPeer.gradientByMm(x, y, w, out, threads);
              return new OutputContender(call::repeat, out, expected);
            }));
    if (isInMemory) {
      rivals.add(new Rival("ceiling", "", Double.NaN, () -> CeilingProbe.read(x, threads)));
    }
    String work =
        "gradient f32 %,d x %,d, %d thread%s"
            .formatted(rows, features, threads, threads == 1 ? "" : "s");
    return new Comparison(
        work, threads, memory, () -> ours(x, y, w, memory, threads, expected), rivals);
  }

  private static Contender ours(
      Tensor x, Tensor y, Tensor w, TensorArena memory, int threads, Expected expected) {
    Backend backend = OurBackend.open(threads);
    LinearKernels linear = backend.linear();
    Tensor out = memory.allocate("gradient", DType.F32, 1, x.cols());
    long rows = x.rows();
    OutputContender.Loop loop =
        times -> {
          for (long i = 0; i < times; i++) {
            linear.gradient(x, y, null, 0, rows, w, null, out, null, null);
          }
        };
    return new OutputContender(loop, out, expected, backend::close);
  }
}
