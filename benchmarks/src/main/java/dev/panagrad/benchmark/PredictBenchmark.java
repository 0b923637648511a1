package dev.panagrad.benchmark;

import dev.panagrad.backend.Linear;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Param;

/** Predictions of a model with one output and an intercept. */
public class PredictBenchmark extends LinearBenchmark {
  /** Which backend. */
  @Param({"scalar", "simd"})
  public String backend;

  /** Rows x features. */
  @Param({"1x16", "1x256", "256x64", "100000x64"})
  public String shape;

  private Tensor x;
  private Linear model;
  private Tensor out;

  @Override
  String backend() {
    return backend;
  }

  @Override
  void allocate(TensorArena memory) {
    String[] extents = shape.split("x");
    long rows = Long.parseLong(extents[0]);
    long features = Long.parseLong(extents[1]);
    x = RandomData.tensor(memory, "X", dtype, rows, features);
    model =
        new Linear(
            RandomData.tensor(memory, "w", dtype, 1, features),
            RandomData.tensor(memory, "b", dtype, 1));
    out = memory.allocate("out", dtype, rows);
  }

  /** All rows. */
  @Benchmark
  public Tensor predict() {
    linear.predict(x, 0, x.rows(), model, out);
    return out;
  }
}
