package dev.panagrad.solver;

/**
 * Minimizes an {@link Objective} with all rows in every step. Implementations are immutable and may
 * be shared; what a run remembers is in its {@link Run}.
 */
public interface Solver {
  /** Returns the name that reports use. */
  String name();

  /** True if it handles an L1 penalty, which has no gradient where a parameter is zero. */
  default boolean acceptsL1() {
    return false;
  }

  /** True if it needs a gradient that is linear in the parameters. */
  default boolean needsQuadratic() {
    return false;
  }

  /**
   * Begins at these parameters, without an evaluation; converged where the gradient, or what stands
   * for it with L1, is at most the tolerance, a part of its length at the beginning.
   */
  Run start(Objective objective, double[] initial, double tolerance);

  /** A run of a method is used by one thread at a time. */
  interface Run {
    enum Status {
      GOING_ON,
      CONVERGED,
      /** No step lowers the value: what is left is rounding, or the objective is not smooth. */
      STALLED
    }

    /** Iterates once, unless it has ended; throws if the first gradient's length is not finite. */
    Status iterate();

    /** Returns what the last iteration gave; {@link Status#GOING_ON} before the first. */
    Status status();

    /** Returns the value of a group's function, at parameters that were looked at last. */
    double value(int group);

    /** Returns the best parameters so far; not to be changed. */
    double[] parameters();

    /** Returns the length of the last step as a multiple of its direction; NaN before the first. */
    double stepLength();

    /** Returns how far the next step would go once converged, or NaN: large if nothing holds it. */
    default double reach() {
      return Double.NaN;
    }

    /**
     * Names everything that the next iterations and the methods here depend on, beside the
     * objective: it is saved, or replaced by what was. The run goes on with the same bits then.
     */
    void exchange(RunState state);
  }
}
