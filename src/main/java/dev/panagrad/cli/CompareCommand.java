package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Squared;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code panagrad compare}: the four optimizers and the exact solution side by side. */
@Command(
    name = "compare",
    description =
        "Train with gd, sgd, adam and rmsprop on the same data and seed, and print losses, R2 and coefficients beside those of the exact solution. Options that an optimizer does not have are left out for it; gd takes full batches.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class CompareCommand implements Callable<Integer> {
  private static final List<MethodName> METHODS =
      List.of(MethodName.GD, MethodName.SGD, MethodName.ADAM, MethodName.RMSPROP, MethodName.EXACT);
  private static final int MOST_FEATURES = 30; // whose coefficients are printed

  @Mixin private DataOptions data;
  @Mixin private TrainingOptions training;
  @Mixin private BackendChoice backendChoice;

  @Override
  public Integer call() {
    data.requireTarget();
    // With an L1 penalty it is none.
    List<MethodName> methods =
        METHODS.stream().filter(m -> m != MethodName.EXACT || training.l1 == 0).toList();
    List<TrainingOptions.Preparation> prepared =
        methods.stream().map(method -> training.prepare(method, true)).toList();
    for (TrainingOptions.Preparation each : prepared) {
      each.trainer().plan().requireConsistent();
      each.trainer().plan().requireFits(data.dtype());
    }
    try (Backend backend = backendChoice.open();
        TensorArena arena = TensorArena.open("data")) {
      EncodingOptions.Use use =
          new EncodingOptions.Use(null, false, training.validation, training.seed);
      Dataset original = data.read(arena, List.of(), use, _ -> {});
      Dataset copy = original.copy(arena);
      List<Trainer> trainers =
          prepared.stream().map(each -> each.trainer(original.rows(), false)).toList();
      trainers.forEach(trainer -> trainer.plan().requireFits(original, backend));
      List<String> coarse = Warnings.print(original, null);
      long rows = original.rows();
      Warnings.printRows(rows, training.trainingRows(rows), original.features().size(), training);
      double passes =
          methods.contains(MethodName.EXACT)
              ? Double.POSITIVE_INFINITY // it is one of them
              : methods.stream().filter(m -> !m.isSolver()).mapToLong(training::epochs).sum();
      ExactLoss exact = training.exact(backend, original, null, passes);
      System.out.printf("backend %s (%s)%n", backend.name(), backend.detail());
      if (Double.isNaN(exact.mse())) {
        System.out.println("gaps to the exact loss  not computed: " + exact.note());
      }
      System.out.printf(
          "%-9s %8s %9s %14s %12s %9s %9s%n",
          "optimizer", "epochs", "steps", "MSE", "gap", "R2", "seconds");
      boolean isComplete = true;
      Map<MethodName, LinearModel> models = new EnumMap<>(MethodName.class);
      for (int i = 0; i < trainers.size(); i++) {
        // Training standardizes in place.
        copy.copyFrom(original);
        TrainingResult result = compare(methods.get(i), trainers.get(i), copy, backend, exact);
        isComplete &= result != null;
        if (result != null) {
          models.put(methods.get(i), result.model());
        }
        if (result != null && i == 0) {
          boolean isF32 = original.x().dtype() == DType.F32;
          String better = training.better(new Squared(), false);
          Warnings.print(
              result,
              training,
              new Warnings.Ended(methods.get(i), !training.noStandardize, better, coarse, isF32));
        }
      }
      printCoefficients(models);
      return isComplete ? 0 : 1;
    }
  }

  /** A table for each target, a column for each method. */
  private static void printCoefficients(Map<MethodName, LinearModel> models) {
    if (models.isEmpty()) {
      return;
    }
    LinearModel first = models.values().iterator().next();
    int shown = Math.min(first.features().size(), MOST_FEATURES);
    for (int j = 0; j < first.targets().size(); j++) {
      System.out.printf("%ncoefficients of %-12s", first.targets().get(j));
      models.keySet().forEach(method -> System.out.printf(" %12s", method.text()));
      for (int f = -1; f < shown; f++) {
        System.out.printf("%n  %-23s", f < 0 ? "(intercept)" : first.features().get(f));
        for (LinearModel model : models.values()) {
          double value = f < 0 ? model.intercept(j) : model.coefficient(j, f);
          System.out.printf(" %12.6g", value);
        }
      }
      int more = first.features().size() - shown;
      System.out.printf("%n%s", more == 0 ? "" : "  and %,d more%n".formatted(more));
    }
  }

  /** Trains and prints a row; null where the training diverged. */
  private TrainingResult compare(
      MethodName method, Trainer trainer, Dataset dataset, Backend backend, ExactLoss exact) {
    try {
      TrainingResult result = trainer.fit(dataset, backend);
      System.out.printf(
          "%-9s %,8d %,9d %14.8g %12s %9.5f %9.3f%n",
          method.text(),
          result.epochs(),
          result.steps(),
          result.mse(),
          exact.gap(result.mse()),
          result.r2(),
          result.seconds());
      return result;
    } catch (DivergenceException e) {
      System.out.printf("%-9s diverged%n", method.text());
      System.err.println("panagrad: " + method.text() + ": " + e.message(Flags::of));
      return null;
    }
  }
}
