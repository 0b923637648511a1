package dev.panagrad.penalty;

import dev.panagrad.rule.Checks;
import dev.panagrad.tensor.Tensor;

/**
 * Adds the elastic net {@code l1 * |w|_1 + l2 * |w|^2} to the loss; ridge with {@code l1 = 0},
 * lasso with {@code l2 = 0}. It never applies to parameters that are exempt, such as an intercept.
 *
 * <p>With the mean squared error the objective is {@code (1/n) |Xw - y|^2 + l2 |w|^2 + l1 |w|_1}.
 * For scikit-learn's Ridge, {@code |Xw - y|^2 + alpha |w|^2}, {@code alpha = n * l2}; for its
 * Lasso, {@code 1/(2n) |Xw - y|^2 + alpha |w|_1}, {@code alpha = l1 / 2}. Sources: Hoerl and
 * Kennard (1970); Tibshirani (1996); Zou and Hastie (2005).
 *
 * @param l1 weight of the sum of magnitudes, >= 0
 * @param l2 weight of the sum of squares, >= 0
 */
public record Penalty(double l1, double l2) {
  public Penalty {
    Checks.nonNegative("l1", l1);
    Checks.nonNegative("l2", l2);
  }

  public static Penalty none() {
    return new Penalty(0, 0);
  }

  /** Makes the lasso penalty {@code l1 * |w|_1}. */
  public static Penalty l1(double l1) {
    return new Penalty(l1, 0);
  }

  /** Makes the ridge penalty {@code l2 * |w|^2}. */
  public static Penalty l2(double l2) {
    return new Penalty(0, l2);
  }

  /** Returns what the L2 term adds to the gradient, per unit of parameter: {@code 2 * l2}. */
  public double gradientFactor() {
    return 2 * l2;
  }

  /** Returns the value of the penalty for these parameters, in double precision. */
  public double value(Tensor w) {
    double magnitudes = 0;
    double squares = 0;
    for (long i = 0; i < w.count(); i++) {
      double value = w.get(i);
      magnitudes += Math.abs(value);
      squares += value * value;
    }
    return l1 * magnitudes + l2 * squares;
  }
}
