package dev.panagrad.benchmark;

import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** {@code x . y}. */
public class DotBenchmark extends LinearBenchmark {
  /** Which backend. */
  @Param({"scalar", "simd"})
  public String backend;

  /** Elements of each vector. */
  @Param({"16", "4096", "4194304"})
  public long count;

  private Tensor x;
  private Tensor y;

  @Override
  String backend() {
    return backend;
  }

  @Override
  void allocate(TensorArena memory) {
    x = RandomData.tensor(memory, "x", dtype, count);
    y = RandomData.tensor(memory, "y", dtype, count);
  }

  /** The product. */
  @Benchmark
  public double dot() {
    return linear.dot(x, y);
  }
}
