package dev.panagrad.benchmark.passes;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableReader;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.StopReason;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * {@code passes DATA.csv TARGET}: how many passes over the rows methods take until the loss is
 * within a millionth of the exact one, in F64, on that file and on synthetic rows.
 */
public final class PassTable {
  private static final double GAP = 1e-6;
  private static final long LIMIT = 200_000;
  private static final int ROWS = 2_000;
  private static final int FEATURES = 20;

  private PassTable() {}

  /** Prints the table. */
  public static void run(List<String> args) {
    Map<String, Function<TensorArena, Dataset>> problems = new LinkedHashMap<>();
    Function<TensorArena, Dataset> file =
        arena ->
            TableReader.of(TableFile.open(Path.of(args.getFirst())))
                .targets(List.of(args.get(1)))
                .read(arena, DType.F64);
    problems.put(args.get(1) + ", standardized", file);
    problems.put(args.get(1) + ", raw units", file);
    for (double condition : new double[] {100, 1e4}) {
      problems.put(
          "synthetic, X of condition %,.0f".formatted(condition),
          arena -> synthetic(arena, condition));
    }
    Map<String, Supplier<Trainer>> methods = new LinkedHashMap<>();
    methods.put("gd", () -> Trainer.with(Optimizer.of(new GradientDescent(1))).automaticRate());
    methods.put("fista", () -> Trainer.with(new Fista(), Penalty.none()));
    methods.put("lbfgs", () -> Trainer.with(new Lbfgs(), Penalty.none()));
    methods.put("cg", () -> Trainer.with(new ConjugateGradient(), Penalty.none()));
    System.out.printf("%-32s %12s", "passes to a gap of " + GAP, "X^T X");
    methods.keySet().forEach(name -> System.out.printf(" %10s", name));
    System.out.println();
    problems.forEach(
        (name, data) -> {
          System.out.printf("%-32s", name);
          boolean isFirst = true;
          for (Supplier<Trainer> method : methods.values()) {
            TrainingResult result = train(method.get(), data, !name.endsWith("raw units"));
            if (isFirst) {
              System.out.printf(" %12.3g", result.certificate().condition());
              isFirst = false;
            }
            boolean isThere = result.stopReason() == StopReason.LISTENER;
            long passes = result.epochs() < LIMIT ? result.passes() : LIMIT;
            System.out.printf(" %10s", (isThere ? "%,d" : "> %,d").formatted(passes));
          }
          System.out.println();
        });
  }

  private static TrainingResult train(
      Trainer trainer, Function<TensorArena, Dataset> problem, boolean standardized) {
    try (Backend backend = Backends.openHost(BackendOptions.defaults());
        TensorArena arena = TensorArena.open("passes")) {
      Dataset data = problem.apply(arena);
      double exact =
          ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), true, 0)
              .meanSquaredError()[0];
      if (standardized) {
        trainer.standardizeInPlace();
      }
      return trainer
          .epochs(LIMIT)
          .certify()
          .listener(epoch -> epoch.loss() > (1 + GAP) * exact)
          .fit(data, backend);
    }
  }

  /** Features that share a factor, so that the correlation matrix has that condition number. */
  private static Dataset synthetic(TensorArena arena, double condition) {
    double squared = condition * condition;
    double rho = (squared - 1) / (squared + FEATURES - 1);
    SplittableRandom random = new SplittableRandom(1);
    Tensor x = arena.allocate("x", DType.F64, ROWS, FEATURES);
    Tensor y = arena.allocate("y", DType.F64, ROWS, 1);
    for (int i = 0; i < ROWS; i++) {
      double shared = random.nextGaussian();
      double signal = 0;
      for (int j = 0; j < FEATURES; j++) {
        double own = random.nextGaussian();
        x.set(i, j, Math.sqrt(rho) * shared + Math.sqrt(1 - rho) * own);
        // As visible in the target whatever the condition number is.
        signal += (j % 2 == 0 ? 1 : -0.5) * (shared + own);
      }
      y.set(i, 0, signal + random.nextGaussian());
    }
    return new Dataset(
        IntStream.range(0, FEATURES).mapToObj(j -> "x" + j).toList(), List.of("y"), x, y);
  }
}
