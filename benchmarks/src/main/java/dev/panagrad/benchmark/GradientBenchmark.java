package dev.panagrad.benchmark;

import dev.panagrad.backend.Backend;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The gradient of the mean squared error over all rows, with intercept and loss: X is read once.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class GradientBenchmark {
  /** Which backend. */
  @Param({"scalar", "simd"})
  public String backend;

  /** Rows x features. */
  @Param({"256x64", "4096x256", "100000x64", "20000x1024"})
  public String shape;

  /** Which element type. */
  @Param({"F32", "F64"})
  public DType dtype;

  /** How many threads. */
  @Param("1")
  public int threads;

  private Backend opened;
  private TensorArena arena;
  private LinearRegression regression;
  private Tensor x;
  private Tensor y;

  /** Fresh random data. */
  @Setup(Level.Trial)
  public void open() {
    opened = BenchmarkBackend.open(backend, threads);
    arena = TensorArena.open("benchmark");
    String[] extents = shape.split("x");
    long rows = Long.parseLong(extents[0]);
    long features = Long.parseLong(extents[1]);
    x = arena.allocate("X", dtype, rows, features);
    y = arena.allocate("y", dtype, rows, 1);
    regression = new LinearRegression(opened, arena, dtype, features, 1, true);
    Random random = new Random();
    for (Tensor t : List.of(x, y, regression.weights())) {
      for (long i = 0; i < t.count(); i++) {
        t.set(i, random.nextGaussian());
      }
    }
  }

  /** Frees it. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    opened.close();
  }

  /** Gradient of weights and intercept, and the loss. */
  @Benchmark
  public Tensor gradient() {
    regression.computeGradient(x, y);
    return regression.loss();
  }
}
