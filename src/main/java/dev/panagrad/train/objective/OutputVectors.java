package dev.panagrad.train.objective;

/**
 * The part of a vector over all parameters that is one output's: its weights, then its intercept.
 */
public final class OutputVectors {
  private OutputVectors() {}

  public static double[] of(RowsObjective objective, double[] all, int output) {
    int d = objective.features();
    double[] part = new double[d + (objective.hasIntercept() ? 1 : 0)];
    System.arraycopy(all, output * d, part, 0, d);
    if (objective.hasIntercept()) {
      part[d] = all[objective.groups() * d + output];
    }
    return part;
  }
}
