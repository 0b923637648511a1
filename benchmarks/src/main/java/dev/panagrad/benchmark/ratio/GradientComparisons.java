package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.PreparedCall;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/** The gradient of the mean squared error, F32, without intercept and loss: {@code X^T(Xw - y)}. */
final class GradientComparisons {
  /** What {@link CeilingProbe} reads is what can be read. */
  private static final double CEILING_GOAL = 0.85;

  private GradientComparisons() {}

  /** X stays in the cache: one thread. */
  static Comparison inCache(long rows, long features, double blasGoal, double torchGoal) {
    return of(rows, features, 1, blasGoal, torchGoal, false);
  }

  /** X comes from memory. */
  static Comparison inMemory(
      long rows, long features, int threads, double blasGoal, double torchGoal) {
    return of(rows, features, threads, blasGoal, torchGoal, true);
  }

  /** Of the logistic loss; X comes from memory. */
  static Comparison logistic(
      long rows, long features, int threads, double torchGoal, double scikitGoal) {
    TensorArena memory = TensorArena.open("gradient");
    Tensor x = RandomValues.tensor(memory, "X", 1, rows, features);
    List<Tensor> copies = RotatingContender.copies(x, memory);
    Tensor y = RandomValues.tensor(memory, "y", 2, rows);
    Tensor w = RandomValues.tensor(memory, "w", 3, 1, features);
    Expected expected = Expected.logistic(x, y, w);
    Rival torch =
        torchMv(
            torchGoal,
            memory,
            copies,
            expected,
            (copy, out) -> TorchPeer.logisticByMv(copy, y, w, out, memory, threads));
    Rival scikit =
        new Rival(
            "scikit-learn", "", scikitGoal, () -> ScikitPeer.logistic(x, y, w, threads, expected));
    return new Comparison(
        "logistic f32 %,d x %,d, %s".formatted(rows, features, Comparison.threadCount(threads)),
        threads,
        memory,
        () -> ours(copies, y, w, new Logistic(), memory, threads, expected),
        List.of(torch, scikit));
  }

  private static Comparison of(
      long rows,
      long features,
      int threads,
      double blasGoal,
      double torchGoal,
      boolean isInMemory) {
    TensorArena memory = TensorArena.open("gradient");
    Tensor x = RandomValues.tensor(memory, "X", 1, rows, features);
    List<Tensor> copies = isInMemory ? RotatingContender.copies(x, memory) : List.of(x);
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
              return RotatingContender.over(
                  copies,
                  copy ->
                      new OutputContender(
                          OpenBlasPeer.gradient(copy, y, w, residual, out), out, expected));
            }));
    // The goal is against the faster of PyTorch's two ways; the other is what models with several
    // outputs call.
    rivals.add(
        torchMv(
            torchGoal,
            memory,
            copies,
            expected,
            (copy, out) -> TorchPeer.gradientByMv(copy, y, w, out, memory, threads)));
    if (!isInMemory) {
      rivals.add(
          new Rival(
              "PyTorch",
              "mv, a call each",
              torchGoal,
              () -> {
                Tensor out = memory.allocate("called mv gradient", DType.F32, features);
                TorchPeer.Call call = TorchPeer.gradientByMv(x, y, w, out, memory, threads);
                return new OutputContender(times -> callEach(call, times), out, expected);
              }));
    }
    rivals.add(
        new Rival(
            "PyTorch",
            "mm",
            Double.NaN,
            () -> {
              Tensor out = memory.allocate("mm gradient", DType.F32, features, 1);
              Tensor column = w.reshape(features, 1);
              return RotatingContender.over(
                  copies,
                  copy ->
                      new OutputContender(
                          TorchPeer.gradientByMm(copy, y, column, out, memory, threads)::repeat,
                          out,
                          expected));
            }));
    rivals.add(
        new Rival(
            "C",
            "loop",
            Double.NaN,
            () -> {
              Tensor out = memory.allocate("C gradient", DType.F32, features);
              return RotatingContender.over(
                  copies,
                  copy ->
                      new OutputContender(
                          CompiledPeer.gradient(copy, y, w, out, memory, threads), out, expected));
            }));
    if (isInMemory) {
      rivals.add(
          new Rival(
              "ceiling",
              "",
              CEILING_GOAL,
              () -> RotatingContender.over(copies, copy -> CeilingProbe.read(copy, threads))));
      rivals.add(
          new Rival(
              "C",
              "read",
              Double.NaN,
              () -> RotatingContender.over(copies, copy -> CompiledPeer.read(copy, threads))));
    }
    return new Comparison(
        "gradient f32 %,d x %,d, %s".formatted(rows, features, Comparison.threadCount(threads)),
        threads,
        memory,
        () -> ours(copies, y, w, new Squared(), memory, threads, expected),
        rivals);
  }

  private static Rival torchMv(
      double goal,
      TensorArena memory,
      List<Tensor> copies,
      Expected expected,
      BiFunction<Tensor, Tensor, TorchPeer.Call> call) {
    return new Rival(
        "PyTorch",
        "mv",
        goal,
        () -> {
          Tensor out = memory.allocate("mv gradient", DType.F32, copies.getFirst().cols());
          return RotatingContender.over(
              copies, copy -> new OutputContender(call.apply(copy, out)::repeat, out, expected));
        });
  }

  private static Contender ours(
      List<Tensor> copies,
      Tensor y,
      Tensor w,
      Loss loss,
      TensorArena memory,
      int threads,
      Expected expected) {
    Backend backend = OurBackend.open(threads);
    LinearAlgebra linear = backend.linear();
    Tensor out = memory.allocate("gradient", DType.F32, w.shape());
    Linear model = new Linear(w, null);
    Gradient into = new Gradient(out, null, null);
    long rows = y.rows();
    return RotatingContender.over(
        copies,
        x -> {
          Batch batch = new Batch(x, y);
          PreparedCall call = linear.prepareGradient(batch, 0, rows, loss, model, into);
          return OutputContender.of(call, out, expected, () -> {});
        },
        backend::close);
  }

  /** As a program in the JVM has to, where the loop of TorchScript spares it. */
  private static void callEach(TorchPeer.Call call, long times) {
    for (long i = 0; i < times; i++) {
      call.repeat(1);
    }
  }
}
