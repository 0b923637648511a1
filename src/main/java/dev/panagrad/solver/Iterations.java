package dev.panagrad.solver;

import dev.panagrad.rule.Checks;

/** What the runs of all methods share: the objective, the parameters, and whether it has ended. */
abstract class Iterations implements Solver.Run {
  private static final double ROUNDINGS = 4;

  final Objective objective;
  final double tolerance;
  double[] w;
  double[] g;
  double step = Double.NaN;
  private double firstNorm = Double.NaN; // the length of the first gradient
  private double firstValue = Double.NaN;
  private Status status = Status.GOING_ON;

  Iterations(Objective objective, double[] initial, double tolerance) {
    Vectors.requireLength("initial parameters", initial, objective.size());
    this.objective = objective;
    this.tolerance = Checks.nonNegative("tolerance", tolerance);
    w = initial.clone();
    g = new double[w.length];
  }

  abstract Status advance();

  final boolean hasBegun() {
    return !Double.isNaN(firstNorm);
  }

  /**
   * True where no step lowers the value by more than its rounding, and the gradient is small beside
   * the first, or beside the value where the method began near the minimum.
   *
   * @param norm the gradient's length
   * @param decrease what the quadratic model of the method says that its next step gains
   */
  final boolean isFlat(double norm, double decrease, double value) {
    return decrease <= rounding(value)
        && (isSmall(norm) || decrease <= tolerance * tolerance * Math.abs(value));
  }

  /** Remembers what the first evaluation gave; throws if the gradient's length is not finite. */
  final void began(double norm, double value) {
    firstNorm = Vectors.requireFinite(norm);
    firstValue = Math.abs(value);
  }

  /** True for the length of a gradient that is the tolerance's part of the first, or less. */
  final boolean isSmall(double norm) {
    return norm <= tolerance * firstNorm;
  }

  final double rounding(double value) {
    // Residuals that all become zero keep a part of what they began as.
    return ROUNDINGS * objective.roundoff() * (Math.abs(value) + tolerance * firstValue);
  }

  @Override
  public final Status iterate() {
    if (status == Status.GOING_ON) {
      status = advance();
    }
    return status;
  }

  @Override
  public final Status status() {
    return status;
  }

  @Override
  public double value(int group) {
    return objective.value(requireGroup(group));
  }

  final int requireGroup(int group) {
    return Checks.index("the objective", "group", group, objective.groups());
  }

  @Override
  public double stepLength() {
    return step;
  }

  @Override
  public double[] parameters() {
    return w;
  }

  @Override
  public void exchange(RunState state) {
    w = state.vector("w", w);
    firstNorm = state.number("first-norm", firstNorm);
    firstValue = state.number("first-value", firstValue);
    status = state.status(status);
  }
}
