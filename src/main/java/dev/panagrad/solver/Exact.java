package dev.panagrad.solver;

/**
 * Takes the minimum in one step, where the objective can compute it: least squares, with or without
 * an L2 penalty.
 */
public record Exact() implements Solver {
  @Override
  public String name() {
    return "exact";
  }

  @Override
  public boolean needsQuadratic() {
    return true;
  }

  @Override
  public Run start(Objective objective, double[] initial, double tolerance) {
    return new Step(objective, initial, tolerance);
  }

  private static final class Step extends Iterations {
    Step(Objective objective, double[] initial, double tolerance) {
      super(objective, initial, tolerance);
    }

    @Override
    Status advance() {
      w = objective.minimum();
      objective.evaluate(w, g);
      return Status.CONVERGED;
    }
  }
}
