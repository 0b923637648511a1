package dev.panagrad.benchmark;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.concurrent.TimeUnit;
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

/** A kernel of linear algebra; each is a class, which has its sizes and tensors. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public abstract class LinearBenchmark {
  /** Which element type. */
  @Param({"F32", "F64"})
  public DType dtype;

  /** How many threads. */
  @Param("1")
  public int threads;

  private Backend opened;
  private TensorArena arena;

  /** The kernels. */
  LinearAlgebra linear;

  /** Which backend; the parameter is the class's own, as not all have kernels of their own. */
  abstract String backend();

  /** Fresh random data. */
  abstract void allocate(TensorArena memory);

  /** Opens the backend. */
  @Setup(Level.Trial)
  public void open() {
    opened = BenchmarkBackend.open(backend(), threads);
    linear = opened.linear();
    arena = TensorArena.open("benchmark");
    allocate(arena);
  }

  /** Frees it. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    opened.close();
  }
}
