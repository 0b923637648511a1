package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.TrainingResult;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code panagrad compare}: the four optimizers on the same data and seed. */
@Command(
    name = "compare",
    description =
        "Train with gd, sgd, adam and rmsprop on the same data and seed, and print one table. Options that an optimizer"
            + " does not have are left out for it; gd takes full batches.",
    mixinStandardHelpOptions = true,
    sortOptions = false)
final class CompareCommand implements Callable<Integer> {
  private static final List<RuleName> RULES =
      List.of(RuleName.GD, RuleName.SGD, RuleName.ADAM, RuleName.RMSPROP);

  @Mixin private DataOptions data;
  @Mixin private TrainingOptions training;
  @Mixin private BackendChoice backendChoice;
  private TrainCommand.Exact exact;

  @Override
  public Integer call() {
    training.ignoreForeign = true;
    RULES.forEach(rule -> training.check(rule, data.dtype()));
    int failures = 0;
    data.requireTarget();
    try (Backend backend = backendChoice.open()) {
      System.out.printf("backend %s (%s)%n", backend.name(), backend.detail());
      System.out.printf(
          "%-9s %8s %9s %14s %12s %9s %9s%n",
          "optimizer", "epochs", "steps", "MSE", "gap", "R2", "seconds");
      for (RuleName rule : RULES) {
        failures += compare(backend, rule) ? 0 : 1;
      }
    }
    return failures == 0 ? 0 : 1;
  }

  /** Reads the data again for each rule: training standardizes it in place. */
  private boolean compare(Backend backend, RuleName rule) {
    String name = rule.name().toLowerCase(Locale.ROOT);
    try (TensorArena arena = TensorArena.open("data")) {
      Dataset dataset = data.read(arena);
      if (rule == RULES.getFirst()) {
        Warnings.print(dataset);
        exact = TrainCommand.Exact.of(backend, dataset, training, null);
      }
      TrainingResult result = training.trainer(rule, dataset.rows()).fit(dataset, backend);
      if (rule == RULES.getFirst()) {
        Warnings.print(result, training.isStandardized(), training);
      }
      System.out.printf(
          "%-9s %,8d %,9d %14.8g %12s %9.5f %9.3f%n",
          name,
          result.epochs(),
          result.steps(),
          result.mse(),
          exact.gap(result.mse()),
          result.r2(),
          result.seconds());
      return true;
    } catch (DivergenceException e) {
      System.out.printf("%-9s diverged%n", name);
      System.err.println("panagrad: " + name + ": " + e.message(Flags::of));
      return false;
    }
  }
}
