package dev.panagrad.train;

/** Options that do not go together, or not with the data or the backend. Nothing has changed. */
public final class PlanException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final transient Problem problem;
  private final boolean isConflict;

  private PlanException(Problem problem, boolean isConflict) {
    super(problem.message(Option::text));
    this.problem = problem;
    this.isConflict = isConflict;
  }

  /** Options that exclude each other, whatever the values of the data are. */
  static PlanException conflict(Option option, String reason, String remedy) {
    return new PlanException(new Problem(option, reason, remedy), true);
  }

  /** An option that does not fit these data, or this backend. */
  static PlanException misfit(Option option, String reason, String remedy) {
    return new PlanException(new Problem(option, reason, remedy), false);
  }

  /** The problem. */
  public Problem problem() {
    return problem;
  }

  /** True where options exclude each other, whatever the values of the data are. */
  public boolean isConflict() {
    return isConflict;
  }
}
