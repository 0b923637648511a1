package dev.panagrad.benchmark.passes;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableReader;
import dev.panagrad.path.PathPenalty;
import dev.panagrad.path.PathResult;
import dev.panagrad.path.RegularizationPath;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.solver.Fista;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * {@code path DATA.csv TARGET}: a lasso path of 50 values with 5-fold cross-validation, next to 50
 * trainings by FISTA from zero without any, in F64; median of 5 rounds, after one that is not
 * counted.
 */
public final class PathTimes {
  private static final int VALUES = 50;
  private static final int ROUNDS = 5;

  private PathTimes() {}

  /** Prints times and passes over the rows. */
  public static void run(List<String> args) {
    double[] path = new double[ROUNDS];
    double[] trainings = new double[ROUNDS];
    long passes = 0;
    try (Backend backend = Backends.openHost(BackendOptions.defaults());
        TensorArena arena = TensorArena.open("path")) {
      TableReader reader =
          TableReader.of(TableFile.open(Path.of(args.getFirst()))).targets(List.of(args.get(1)));
      Dataset data = reader.read(arena, DType.F64);
      PathResult result = null;
      for (int round = -1; round < ROUNDS; round++) {
        long start = System.nanoTime();
        result = RegularizationPath.of(PathPenalty.L1).values(VALUES).fit(data, backend);
        path[Math.max(round, 0)] = (System.nanoTime() - start) / 1e9;
      }
      for (int round = -1; round < ROUNDS; round++) {
        passes = 0;
        double seconds = 0;
        for (double value : result.values()) {
          // Training standardizes the rows: each has a copy of its own, which is not timed.
          try (TensorArena copy = TensorArena.open("rows")) {
            Dataset rows = reader.read(copy, DType.F64);
            Trainer trainer =
                Trainer.with(new Fista(), Penalty.l1(value)).epochs(100_000).standardizeInPlace();
            long start = System.nanoTime();
            passes += trainer.fit(rows, backend).passes();
            seconds += (System.nanoTime() - start) / 1e9;
          }
        }
        trainings[Math.max(round, 0)] = seconds;
      }
      System.out.printf(
          "path with 5 folds: %d passes, %.4f s; %d trainings: %,d passes, %.4f s%n",
          result.passes(), median(path), VALUES, passes, median(trainings));
    }
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }
}
