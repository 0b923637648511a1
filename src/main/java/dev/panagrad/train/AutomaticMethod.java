package dev.panagrad.train;

import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;

/**
 * This method fits loss, penalty and size, for who has no reason to name one: all of them end by
 * themselves at the minimum, without a rate.
 *
 * @param solver null where no method fits the loss
 * @param reason why, to be printed after its name
 */
public record AutomaticMethod(Solver solver, String reason) {
  /** A method may take this many iterations where nothing is asked for; it ends by itself. */
  public static final long MAX_EPOCHS = 10_000;

  /** The direct solution is taken up to so many features: its triangle has then 8 MiB. */
  public static final int MAX_DIRECT_FEATURES = 1024;

  /** The direct solution is taken up to so many operations, 2 n d^2: some minutes of one core. */
  public static final double MAX_DIRECT_OPERATIONS = 1e12;

  private static final int INSIDE_ITERATIONS = 20; // about, of an interior point

  /** Chooses a method; numbers of 0 stand for data that are not known yet. */
  public static AutomaticMethod of(Loss loss, Penalty penalty, long rows, long features) {
    double operations = 2.0 * rows * features * features;
    if (!loss.isSmooth()) {
      boolean isProgram = loss instanceof Quantile && penalty.l1() == 0 && penalty.l2() == 0;
      return isProgram && isDirect(features, INSIDE_ITERATIONS * operations)
          ? new AutomaticMethod(new Exact(), "quantile regression is a linear program")
          : new AutomaticMethod(
              null,
              "no method that ends by itself is known for loss '%s' with a penalty or so many values"
                  .formatted(loss.name()));
    }
    if (penalty.l1() > 0) {
      return new AutomaticMethod(new Fista(), "an L1 penalty has a corner at zero");
    }
    if (!(loss instanceof Squared)) {
      return new AutomaticMethod(new Lbfgs(), "loss '%s' is smooth".formatted(loss.name()));
    }
    return isDirect(features, operations)
        ? new AutomaticMethod(new Exact(), "least squares of this size has a direct solution")
        : new AutomaticMethod(
            new ConjugateGradient(),
            "the direct solution is for up to %,d features and %.0e operations"
                .formatted(MAX_DIRECT_FEATURES, MAX_DIRECT_OPERATIONS));
  }

  private static boolean isDirect(long features, double operations) {
    return features <= MAX_DIRECT_FEATURES && operations <= MAX_DIRECT_OPERATIONS;
  }
}
