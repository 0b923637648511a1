package dev.panagrad.benchmark;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
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
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** One optimizer step over flat parameters; each rule is a class. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(value = 2, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public abstract class StepBenchmark {
  /** Which backend. */
  @Param({"scalar", "simd"})
  public String backend;

  /** How many parameters. */
  @Param({"16", "1024", "32768", "4194304"})
  public long count;

  /** Which element type. */
  @Param({"F32", "F64"})
  public DType dtype;

  /** How many threads. */
  @Param("1")
  public int threads;

  private Backend opened;
  private TensorArena arena;
  private Tensor gradient;
  private Optimizer optimizer;

  /** What is measured. */
  abstract UpdateRule rule();

  /** Fresh random data. */
  @Setup(Level.Trial)
  public void open() {
    opened = BenchmarkBackend.open(backend, threads);
    arena = TensorArena.open("benchmark");
    Parameters parameters = Parameters.layout().add("p", count).allocate(arena, "p", dtype);
    gradient = parameters.like(arena, "g").flat();
    RandomData.fill(gradient);
    optimizer = Optimizer.of(rule()).build(parameters, opened, arena);
  }

  /** Frees it. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    opened.close();
  }

  /** The step. */
  @Benchmark
  public boolean step() {
    return optimizer.step(gradient);
  }
}
