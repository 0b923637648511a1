package dev.panagrad.benchmark;

import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Lifetime;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.simd.SimdBackend;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A gradient of 32 x 16 through the checked skin and by the kernel alone: the difference is what
 * checks cost a short call.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 5, time = 1)
@Measurement(iterations = 10, time = 1)
@Fork(value = 3, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class SkinBenchmark {
  private static final int ROWS = 32;
  private static final int FEATURES = 16;

  private SimdBackend backend;
  private TensorArena arena;
  private Batch batch;
  private Linear model;
  private Gradient into;
  private final Loss loss = new Squared();

  /** Fresh random data. */
  @Setup(Level.Trial)
  public void open() {
    backend = new SimdBackend(new Lifetime("simd"), BackendOptions.defaults().withThreads(1));
    arena = TensorArena.open("skin");
    Tensor x = RandomData.tensor(arena, "X", DType.F32, ROWS, FEATURES);
    Tensor y = RandomData.tensor(arena, "y", DType.F32, ROWS, 1);
    batch = new Batch(x, y);
    LinearRegression regression =
        new LinearRegression(backend, arena, DType.F32, FEATURES, 1, true);
    model = regression.model();
    into = regression.withLossIn(regression.loss());
  }

  /** Frees it. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    backend.close();
  }

  /** Through the skin. */
  @Benchmark
  public Gradient checked() {
    backend.linear().gradient(batch, 0, ROWS, loss, model, into);
    return into;
  }

  /** The kernel alone. */
  @Benchmark
  public Gradient unchecked() {
    backend.kernels(DType.F32).gradient(batch, 0, ROWS, loss, model, into);
    return into;
  }
}
