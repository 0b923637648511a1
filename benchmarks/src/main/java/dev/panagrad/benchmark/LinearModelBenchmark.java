package dev.panagrad.benchmark;

import dev.panagrad.regression.LinearModel;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** A prediction of a model of one target, without a backend, from a row on the heap. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class LinearModelBenchmark {
  /** Features. */
  @Param({"10", "100", "10000"})
  public int features;

  private LinearModel model;
  private double[] row;

  /** Random coefficients and features. */
  @Setup
  public void make() {
    SplittableRandom random = new SplittableRandom(1);
    List<String> names = IntStream.range(0, features).mapToObj(f -> "x" + f).toList();
    double[] w = random.doubles(features, -1, 1).toArray();
    model = new LinearModel(names, List.of("y"), new double[][] {w}, new double[] {1});
    row = random.doubles(features, -1, 1).toArray();
  }

  /** The only target. */
  @Benchmark
  public double predict() {
    return model.predict(row, 0);
  }
}
