package dev.panagrad.random;

import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.train.Trainer;
import java.time.Duration;
import java.util.List;

/**
 * The options of a random training.
 *
 * @param isStandardized whether it changes the data
 * @param isRateAutomatic whether it may be refused after it has changed them
 * @param bound of what roundings do to its model; null if none is known
 */
record TrainingOptions(
    Trainer trainer, boolean isStandardized, boolean isRateAutomatic, TrainingBound bound) {
  private static final List<String> PATTERNS =
      List.of("*", "weights", "*weights*", "w?*", "intercept", "none");

  /** A trainer; the same one from choices of the same seed, with counters of its own. */
  static TrainingOptions of(Choices choices, TrainingData data) {
    return choices.oneIn(6) && TrainingBound.isKnown(data)
        ? plain(choices, data)
        : any(choices, data);
  }

  /** Steps along the gradient with a constant rate. */
  private static TrainingOptions plain(Choices choices, TrainingData data) {
    double rate = choices.magnitude(1e-3, 0.05);
    double l2 = choices.coin() ? 0 : choices.magnitude(1e-3, 0.1);
    UpdateRule rule = choices.coin() ? Sgd.of(rate) : new GradientDescent(rate);
    Trainer trainer = Trainer.with(Optimizer.of(rule).penalty(Penalty.l2(l2))).loss(data.loss());
    trainer.epochs(1 + choices.below(6)).seed(choices.below(100));
    rows(choices, trainer, data.dataset().rows());
    if (data.offset() != null) {
      trainer.offset(data.offset());
    }
    return new TrainingOptions(trainer, false, false, new TrainingBound(data, rate, l2));
  }

  private static TrainingOptions any(Choices choices, TrainingData data) {
    Solver solver = choices.oneIn(4) ? solver(choices) : null;
    Trainer trainer =
        solver == null
            ? Trainer.with(optimizer(choices))
            : Trainer.with(solver, of(choices, solver));
    trainer.epochs(1 + choices.below(6)).seed(choices.below(100));
    if (!(data.loss() instanceof Squared) || choices.oneIn(8)) {
      trainer.loss(data.loss());
    }
    if (data.weights() != null) {
      trainer.weights(data.weights());
    }
    if (data.offset() != null) {
      trainer.offset(data.offset());
    }
    if (solver == null || choices.oneIn(10)) {
      rows(choices, trainer, data.dataset().rows());
    }
    if (solver == null || choices.oneIn(3)) {
      stops(choices, trainer);
    }
    if (choices.oneIn(5)) {
      trainer.withoutIntercept();
    }
    boolean isStandardized = choices.oneIn(4);
    if (isStandardized) {
      trainer.standardizeInPlace();
    }
    boolean isUnweighted = data.loss() instanceof Squared && data.weights() == null;
    if (choices.oneIn(isUnweighted && solver == null ? 6 : 60)) {
      trainer.gram();
    }
    boolean isRateAutomatic = choices.oneIn(solver == null ? 8 : 60);
    if (isRateAutomatic) {
      trainer.automaticRate();
    }
    if (choices.oneIn(6)) {
      trainer.certify();
    }
    if (choices.oneIn(40)) {
      trainer.varianceReduced();
    }
    if (data.loss() instanceof Logistic && choices.oneIn(4)) {
      if (choices.coin()) {
        trainer.balancedClasses();
      } else {
        trainer.classWeights(choices.number(0.5, 2), 1);
      }
    }
    return new TrainingOptions(trainer, isStandardized, isRateAutomatic, null);
  }

  private static Optimizer.Builder optimizer(Choices choices) {
    return choices.oneIn(3)
        ? Optimizer.of(OptimizerOptions.rule(choices)).penalty(OptimizerOptions.penalty(choices))
        : OptimizerOptions.of(choices, PATTERNS).builder();
  }

  private static Penalty of(Choices choices, Solver solver) {
    Penalty penalty = OptimizerOptions.penalty(choices);
    return solver.acceptsL1() || choices.oneIn(10) ? penalty : Penalty.l2(penalty.l2());
  }

  private static Solver solver(Choices choices) {
    return switch (choices.below(4)) {
      case 0 -> new ConjugateGradient();
      case 1 -> new Fista();
      case 2 -> new Lbfgs(1 + choices.below(8));
      default -> new Lbfgs();
    };
  }

  private static void rows(Choices choices, Trainer trainer, long rows) {
    if (choices.coin()) {
      trainer.batchSize(Math.max(1, choices.oneIn(20) ? rows + 1 : choices.below(rows + 1)));
      if (choices.oneIn(6)) {
        trainer.accumulate(1 + choices.below(4));
      }
    }
    if (choices.oneIn(3)) {
      trainer.inOrder();
    }
    if (choices.oneIn(4)) {
      trainer.validation(choices.number(0, 0.2, 0.3, 0.5, 0.9));
    }
    if (choices.oneIn(60)) {
      trainer.dataMemory(1 << 20);
    }
    if (choices.oneIn(60)) {
      trainer.resume();
    }
  }

  private static void stops(Choices choices, Trainer trainer) {
    if (choices.oneIn(6)) {
      trainer.patience(1 + choices.below(3), choices.number(0, 1e-3, 0.5));
    }
    if (choices.oneIn(10)) {
      trainer.gradientTolerance(choices.magnitude(1e-6, 1));
    }
    if (choices.oneIn(10)) {
      trainer.maximumTime(Duration.ofHours(1));
    }
    if (choices.oneIn(8)) {
      trainer.reduceRate(0.5, 1 + choices.below(2), choices.number(0, 0.1));
    }
    if (choices.oneIn(12)) {
      int[] left = {choices.below(20)};
      trainer.stopWhen(() -> left[0]-- <= 0);
    }
    if (choices.oneIn(12)) {
      int last = 1 + choices.below(4);
      trainer.listener(record -> record.epoch() < last);
    }
  }
}
