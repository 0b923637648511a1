package dev.panagrad.train;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/**
 * Bounds how far above the minimum a training ended. The rounding of rows and four roundings of the
 * loss are added; in F32, with features far from standardized, gradients may be rounded by more.
 *
 * @param objective the mean over targets of loss and penalties at the end, in raw units
 * @param gradientNorm the length of its gradient in the units of training; with an L1 penalty, of
 *     the shortest subgradient
 * @param gap a bound on how far {@code objective} is above its minimum; NaN if none is known
 * @param basis what the bound rests on, or why there is none
 * @param largestCurvature L, the largest eigenvalue of the Hessian in the units of training; NaN if
 *     it was not computed
 * @param smallestCurvature a number that the smallest is not below; 0 if the Hessian is singular as
 *     far as rounding can tell, NaN if it was not computed
 */
public record Certificate(
    double objective,
    double gradientNorm,
    double gap,
    String basis,
    double largestCurvature,
    double smallestCurvature) {
  /** Plain descent takes many thousands of steps from this condition number on. */
  public static final double ILL_CONDITIONED = 1e4;

  /** Returns the condition number of the Hessian, L / mu; infinite if it is singular. */
  public double condition() {
    return largestCurvature / smallestCurvature;
  }

  /**
   * True if plain gradient methods are slow on this problem; solvers need far fewer passes, and
   * standardized features or an L2 penalty lower the number.
   */
  public boolean isIllConditioned() {
    return condition() >= ILL_CONDITIONED;
  }

  /** Returns the bound in a sentence. */
  public String message() {
    if (Double.isNaN(gap)) {
      return "no bound on the distance to the minimum: " + basis;
    }
    String part = objective > gap ? " (%s%%)".formatted(atMost(100 * gap / objective)) : "";
    return "at most %s%s above the minimum, by %s".formatted(atMost(gap), part, basis);
  }

  /** Three digits, rounded up. */
  private static String atMost(double value) {
    if (!Double.isFinite(value)) {
      return Double.toString(value);
    }
    BigDecimal up = new BigDecimal(value).round(new MathContext(3, RoundingMode.CEILING));
    return String.format(Locale.ROOT, "%.3g", up);
  }
}
