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

/**
 * The options of a random training.
 *
 * @param isStandardized whether it changes the data
 * @param bound of what roundings do to its model; null if none is known
 */
record TrainingOptions(Trainer trainer, boolean isStandardized, TrainingBound bound) {

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
    return new TrainingOptions(trainer, false, new TrainingBound(data, rate, l2));
  }

  private static TrainingOptions any(Choices choices, TrainingData data) {
    Trainer trainer =
        choices.oneIn(4)
            ? Trainer.with(solver(choices), OptimizerOptions.penalty(choices))
            : Trainer.with(optimizer(choices));
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
    rows(choices, trainer, data.dataset().rows());
    stops(choices, trainer);
    if (choices.oneIn(5)) {
      trainer.withoutIntercept();
    }
    boolean isStandardized = choices.oneIn(4);
    if (isStandardized) {
      trainer.standardizeInPlace();
    }
    if (choices.oneIn(10)) {
      trainer.gram();
    }
    if (choices.oneIn(8)) {
      trainer.automaticRate();
    }
    if (choices.oneIn(6)) {
      trainer.certify();
    }
    if (choices.oneIn(20)) {
      trainer.varianceReduced();
    }
    if (data.loss() instanceof Logistic && choices.oneIn(4)) {
      if (choices.coin()) {
        trainer.balancedClasses();
      } else {
        trainer.classWeights(choices.number(0.5, 2), 1);
      }
    }
    return new TrainingOptions(trainer, isStandardized, null);
  }

  private static Optimizer.Builder optimizer(Choices choices) {
    return choices.oneIn(3)
        ? Optimizer.of(OptimizerOptions.rule(choices)).penalty(OptimizerOptions.penalty(choices))
        : OptimizerOptions.of(choices, true).builder();
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
      trainer.batchSize(Math.max(1, choices.oneIn(12) ? rows + 1 : choices.below(rows + 1)));
    }
    if (choices.oneIn(3)) {
      trainer.inOrder();
    }
    if (choices.oneIn(4)) {
      trainer.validation(choices.number(0, 0.2, 0.5, 0.99));
    }
    if (choices.oneIn(8)) {
      trainer.accumulate(1 + choices.below(4));
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
