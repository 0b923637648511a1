package dev.panagrad.benchmark;

import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@code y = A x} and {@code y = A^T x}, square. */
public class GemvBenchmark extends LinearBenchmark {
  /** Which backend. */
  @Param({"scalar", "simd", "openblas"})
  public String backend;

  /** Rows and columns. */
  @Param({"16", "256", "4096"})
  public long size;

  private Tensor a;
  private Tensor x;
  private Tensor y;

  @Override
  String backend() {
    return backend;
  }

  @Override
  void allocate(TensorArena memory) {
    a = RandomData.tensor(memory, "A", dtype, size, size);
    x = RandomData.tensor(memory, "x", dtype, size);
    y = memory.allocate("y", dtype, size);
  }

  /** By rows. */
  @Benchmark
  public Tensor gemv() {
    linear.gemv(Transpose.NO, 1, a, x, 0, y);
    return y;
  }

  /** By columns. */
  @Benchmark
  public Tensor gemvTransposed() {
    linear.gemv(Transpose.YES, 1, a, x, 0, y);
    return y;
  }
}
