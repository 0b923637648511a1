package dev.panagrad.cli;

import java.util.Locale;

/** The optimizers of the command line. */
enum RuleName {
  GD(0.1),
  SGD(0.01),
  ADAM(0.01),
  ADAMW(0.01),
  RMSPROP(0.01),
  LION(0.001),
  NADAM(0.01),
  ADAGRAD(0.1),
  FISTA(Double.NaN),
  LBFGS(Double.NaN),
  CG(Double.NaN);

  /** The default learning rate, for standardized data. */
  final double learningRate;

  RuleName(double learningRate) {
    this.learningRate = learningRate;
  }

  /** Whether it looks at all rows in every step, and has no learning rate. */
  boolean isSolver() {
    return Double.isNaN(learningRate);
  }

  boolean takesFullBatches() {
    return this == GD || isSolver();
  }

  String text() {
    return name().toLowerCase(Locale.ROOT);
  }
}
