package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code panagrad compare}: the four optimizers on the same data and seed. */
@Command(
    name = "compare",
    description =
        "Train with gd, sgd, adam and rmsprop on the same data and seed, and print one table. Options that an optimizer does not have are left out for it; gd takes full batches.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class CompareCommand implements Callable<Integer> {
  private static final List<MethodName> METHODS =
      List.of(MethodName.GD, MethodName.SGD, MethodName.ADAM, MethodName.RMSPROP);

  @Mixin private DataOptions data;
  @Mixin private TrainingOptions training;
  @Mixin private BackendChoice backendChoice;

  @Override
  public Integer call() {
    data.requireTarget();
    List<TrainingOptions.Preparation> prepared =
        METHODS.stream().map(method -> training.prepare(method, true)).toList();
    for (TrainingOptions.Preparation each : prepared) {
      each.trainer().plan().requireConsistent();
      each.trainer().plan().requireFits(data.dtype());
    }
    try (Backend backend = backendChoice.open();
        TensorArena arena = TensorArena.open("data")) {
      Dataset original = data.read(arena);
      Dataset copy = original.copy(arena);
      List<Trainer> trainers =
          prepared.stream().map(each -> each.trainer(original.rows(), false)).toList();
      trainers.forEach(trainer -> trainer.plan().requireFits(original, backend));
      Warnings.print(original);
      ExactLoss exact = training.exact(backend, original, null);
      System.out.printf("backend %s (%s)%n", backend.name(), backend.detail());
      System.out.printf(
          "%-9s %8s %9s %14s %12s %9s %9s%n",
          "optimizer", "epochs", "steps", "MSE", "gap", "R2", "seconds");
      boolean isComplete = true;
      for (int i = 0; i < trainers.size(); i++) {
        // Training standardizes in place.
        copy.copyFrom(original);
        isComplete &= compare(METHODS.get(i), trainers.get(i), copy, backend, exact);
      }
      return isComplete ? 0 : 1;
    }
  }

  private boolean compare(
      MethodName method, Trainer trainer, Dataset dataset, Backend backend, ExactLoss exact) {
    try {
      TrainingResult result = trainer.fit(dataset, backend);
      if (method == METHODS.getFirst()) {
        Warnings.print(result, !training.noStandardize, training);
      }
      System.out.printf(
          "%-9s %,8d %,9d %14.8g %12s %9.5f %9.3f%n",
          method.text(),
          result.epochs(),
          result.steps(),
          result.mse(),
          exact.gap(result.mse()),
          result.r2(),
          result.seconds());
      return true;
    } catch (DivergenceException e) {
      System.out.printf("%-9s diverged%n", method.text());
      System.err.println("panagrad: " + method.text() + ": " + e.message(Flags::of));
      return false;
    }
  }
}
