package dev.panagrad.solver;

import dev.panagrad.rule.Checks;

/** What the runs of all methods share: the objective, the parameters, and whether it has ended. */
abstract class Iterations implements Solver.Run {
  final Objective objective;
  final double tolerance;
  double[] w;
  double[] g;
  double step = Double.NaN;
  double firstNorm = Double.NaN; // the length of the first gradient
  private Status status = Status.GOING_ON;

  Iterations(Objective objective, double[] initial, double tolerance) {
    Vectors.requireLength("initial parameters", initial, objective.size());
    this.objective = objective;
    this.tolerance = Checks.nonNegative("tolerance", tolerance);
    w = initial.clone();
    g = new double[w.length];
  }

  abstract Status advance();

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
    status = state.status(status);
  }
}
