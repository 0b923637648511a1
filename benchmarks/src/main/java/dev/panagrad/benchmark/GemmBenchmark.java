package dev.panagrad.benchmark;

import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@code C = A B}, square. */
public class GemmBenchmark extends LinearBenchmark {
  /** Which backend. */
  @Param({"scalar", "simd", "openblas"})
  public String backend;

  /** Rows and columns. */
  @Param({"16", "256", "1024"})
  public long size;

  private Tensor a;
  private Tensor b;
  private Tensor c;

  @Override
  String backend() {
    return backend;
  }

  @Override
  void allocate(TensorArena memory) {
    a = RandomData.tensor(memory, "A", dtype, size, size);
    b = RandomData.tensor(memory, "B", dtype, size, size);
    c = memory.allocate("C", dtype, size, size);
  }

  /** The product. */
  @Benchmark
  public Tensor gemm() {
    linear.gemm(Transpose.NO, Transpose.NO, 1, a, b, 0, c);
    return c;
  }
}
