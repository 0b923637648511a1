package dev.panagrad.benchmark.ratio;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.PreparedCall;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/** {@code C = A B}, square, F32. */
final class GemmComparisons {
  private GemmComparisons() {}

  /** Small ones, prepared, on one thread. */
  static Comparison small(long n, double blasGoal, double xsmmGoal) {
    TensorArena memory = TensorArena.open("gemm");
    Tensor a = RandomValues.tensor(memory, "A", 1, n, n);
    Tensor b = RandomValues.tensor(memory, "B", 2, n, n);
    Expected expected = Expected.product(a, b);
    List<Rival> rivals = new ArrayList<>();
    rivals.add(blas(a, b, memory, expected, blasGoal));
    rivals.add(
        new Rival(
            "libxsmm",
            "",
            xsmmGoal,
            () -> {
              Tensor c = room(memory, n);
              return new OutputContender(CompiledPeer.gemmByXsmm(a, b, c), c, expected);
            }));
    rivals.add(ejml(a, b, memory, expected, 1));
    rivals.add(vectorBlas(a, b, memory, expected));
    return new Comparison(
        "gemm f32 %,d prepared, 1 thread".formatted(n),
        1,
        memory,
        () -> {
          Backend backend = OurBackend.open(1);
          Tensor c = memory.allocate("C", DType.F32, n, n);
          PreparedCall call =
              backend.linear().prepareGemm(Transpose.NO, Transpose.NO, 1, a, b, 0, c);
          return OutputContender.of(call, c, expected, backend::close);
        },
        rivals);
  }

  /** On one thread: the native library, and others in Java. */
  static Comparison oneThread(long n, double blasGoal) {
    TensorArena memory = TensorArena.open("gemm");
    Tensor a = RandomValues.tensor(memory, "A", 1, n, n);
    Tensor b = RandomValues.tensor(memory, "B", 2, n, n);
    Expected expected = Expected.product(a, b);
    List<Rival> rivals = new ArrayList<>();
    rivals.add(blas(a, b, memory, expected, blasGoal));
    rivals.add(ejml(a, b, memory, expected, 1));
    rivals.add(vectorBlas(a, b, memory, expected));
    return of(a, b, memory, expected, 1, rivals);
  }

  /** On several threads. Both native rivals have the goal: the better of them counts. */
  static Comparison threads(long n, int threads, double goal) {
    TensorArena memory = TensorArena.open("gemm");
    Tensor a = RandomValues.tensor(memory, "A", 1, n, n);
    Tensor b = RandomValues.tensor(memory, "B", 2, n, n);
    Expected expected = Expected.product(a, b);
    List<Rival> rivals = new ArrayList<>();
    rivals.add(blas(a, b, memory, expected, goal));
    rivals.add(
        new Rival(
            "PyTorch",
            "mm",
            goal,
            () -> {
              Tensor c = room(memory, n);
              return new OutputContender(TorchPeer.gemm(a, b, c, threads)::repeat, c, expected);
            }));
    rivals.add(ejml(a, b, memory, expected, threads));
    return of(a, b, memory, expected, threads, rivals);
  }

  private static Rival blas(
      Tensor a, Tensor b, TensorArena memory, Expected expected, double goal) {
    return new Rival(
        "OpenBLAS",
        "",
        goal,
        () -> {
          Tensor c = room(memory, a.rows());
          return new OutputContender(OpenBlasPeer.gemm(a, b, c), c, expected);
        });
  }

  private static Rival vectorBlas(Tensor a, Tensor b, TensorArena memory, Expected expected) {
    return new Rival(
        "VectorBLAS",
        "",
        Double.NaN,
        () -> VectorBlasPeer.gemm(a, b, room(memory, a.rows()), expected));
  }

  private static Rival ejml(
      Tensor a, Tensor b, TensorArena memory, Expected expected, int threads) {
    return new Rival(
        "EJML",
        "",
        Double.NaN,
        () -> EjmlPeer.gemm(a, b, room(memory, a.rows()), expected, threads));
  }

  private static Tensor room(TensorArena memory, long n) {
    return memory.allocate("peer C", DType.F32, n, n);
  }

  private static Comparison of(
      Tensor a, Tensor b, TensorArena memory, Expected expected, int threads, List<Rival> rivals) {
    return new Comparison(
        "gemm f32 %,d, %s".formatted(a.rows(), Comparison.threadCount(threads)),
        threads,
        memory,
        () -> {
          Backend backend = OurBackend.open(threads);
          LinearAlgebra linear = backend.linear();
          Tensor c = memory.allocate("C", DType.F32, a.rows(), a.rows());
          OutputContender.Loop loop =
              times -> {
                for (long i = 0; i < times; i++) {
                  linear.gemm(Transpose.NO, Transpose.NO, 1, a, b, 0, c);
                }
              };
          return new OutputContender(loop, c, expected, backend::close);
        },
        rivals);
  }
}
