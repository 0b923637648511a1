package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/**
 * The gradient of a model with several outputs, F32, without intercept and loss: {@code (X W^T -
 * Y)^T X}. Rivals may have their weights as [outputs, features] or turned: both are measured and
 * both have the goal, so that the better counts.
 */
final class MultiOutputComparisons {
  private final long rows;
  private final long features;
  private final long outputs;
  private final int threads;
  private final TensorArena memory = TensorArena.open("multi-output");
  private final List<Tensor> copies;
  private final Tensor y;
  private final Tensor w;
  private final Tensor turned;
  private final Expected expected;

  private MultiOutputComparisons(
      long rows, long features, long outputs, int threads, boolean isInMemory) {
    this.rows = rows;
    this.features = features;
    this.outputs = outputs;
    this.threads = threads;
    Tensor x = RandomValues.tensor(memory, "X", 1, rows, features);
    copies = isInMemory ? RotatingContender.copies(x, memory) : List.of(x);
    y = RandomValues.tensor(memory, "Y", 2, rows, outputs);
    w = RandomValues.tensor(memory, "W", 3, outputs, features);
    turned = memory.allocate("W turned", DType.F32, features, outputs);
    for (long f = 0; f < features; f++) {
      for (long j = 0; j < outputs; j++) {
        turned.set(f, j, w.get(j, f));
      }
    }
    expected = Expected.gradient(x, y, w);
  }

  /** Few outputs: X comes from memory, and reading it is much of the work. */
  static Comparison few(
      long rows, long features, long outputs, int threads, double blasGoal, double torchGoal) {
    return new MultiOutputComparisons(rows, features, outputs, threads, true)
        .comparison(OurBackend.SIMD, blasGoal, torchGoal);
  }

  /** Many outputs: arithmetic is the work. PyTorch informs. */
  static Comparison many(
      String backend, long rows, long features, long outputs, int threads, double blasGoal) {
    return new MultiOutputComparisons(rows, features, outputs, threads, false)
        .comparison(backend, blasGoal, Double.NaN);
  }

  private Comparison comparison(String backend, double blasGoal, double torchGoal) {
    List<Rival> rivals = new ArrayList<>();
    rivals.add(new Rival("OpenBLAS", "2 gemm", blasGoal, this::blasByOutputs));
    rivals.add(new Rival("OpenBLAS", "2 gemm W^T", blasGoal, this::blasByFeatures));
    rivals.add(new Rival("PyTorch", "mm", torchGoal, this::torchByOutputs));
    rivals.add(new Rival("PyTorch", "mm W^T", torchGoal, this::torchByFeatures));
    return new Comparison(
        "gradient f32 %,d x %,d k = %,d, %s%s"
            .formatted(
                rows,
                features,
                outputs,
                Comparison.threadCount(threads),
                backend.equals(OurBackend.SIMD) ? "" : ", " + backend),
        threads,
        memory,
        () -> ours(backend),
        rivals);
  }

  private Contender ours(String name) {
    Backend backend = OurBackend.open(name, threads);
    LinearAlgebra linear = backend.linear();
    Tensor out = memory.allocate("gradient", DType.F32, w.shape());
    Loss loss = new Squared();
    Linear model = new Linear(w, null);
    Gradient into = new Gradient(out, null, null);
    return RotatingContender.over(
        copies,
        x -> {
          Batch batch = new Batch(x, y);
          OutputContender.Loop loop =
              times -> {
                for (long i = 0; i < times; i++) {
                  linear.gradient(batch, 0, rows, loss, model, into);
                }
              };
          return new OutputContender(loop, out, expected);
        },
        backend::close);
  }

  private Contender blasByOutputs() {
    Tensor residual = memory.allocate("residual", DType.F32, rows, outputs);
    Tensor out = memory.allocate("BLAS gradient", DType.F32, outputs, features);
    return RotatingContender.over(
        copies,
        x ->
            new OutputContender(
                OpenBlasPeer.gradientByOutputs(x, y, w, residual, out), out, expected));
  }

  private Contender blasByFeatures() {
    Tensor residual = memory.allocate("residual", DType.F32, rows, outputs);
    Tensor out = memory.allocate("BLAS gradient", DType.F32, features, outputs);
    Expected turnedExpected = expected.transposed(Math.toIntExact(outputs));
    return RotatingContender.over(
        copies,
        x ->
            new OutputContender(
                OpenBlasPeer.gradientByFeatures(x, y, turned, residual, out), out, turnedExpected));
  }

  private Contender torchByOutputs() {
    Tensor out = memory.allocate("torch gradient", DType.F32, outputs, features);
    return RotatingContender.over(
        copies,
        x ->
            new OutputContender(
                TorchPeer.gradientByLinear(x, y, w, out, memory, threads)::repeat, out, expected));
  }

  private Contender torchByFeatures() {
    Tensor out = memory.allocate("torch gradient", DType.F32, features, outputs);
    Expected turnedExpected = expected.transposed(Math.toIntExact(outputs));
    return RotatingContender.over(
        copies,
        x ->
            new OutputContender(
                TorchPeer.gradientByMm(x, y, turned, out, memory, threads)::repeat,
                out,
                turnedExpected));
  }
}
