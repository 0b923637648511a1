package dev.panagrad.loss;

import java.util.Optional;

/**
 * Says what a prediction z costs for a target y, convex in z. Implementations are immutable and may
 * be shared between threads.
 */
public interface Loss {
  /** Returns the name that reports use. */
  String name();

  /** Returns the name with a parameter to the last bit, as {@link Losses#parse} reads it. */
  default String text() {
    return name();
  }

  /**
   * Replaces the first {@code count} predictions z by the loss's derivatives there, {@code s_i *
   * loss'(z_i, y_i)}, for targets y and weights s.
   *
   * @return {@code sum_i s_i * loss(z_i, y_i)}
   */
  double differentiate(double[] z, double[] y, double[] s, int count);

  /** Returns the mean, or quantile, of the target at a prediction: the inverse link. */
  default double mean(double z) {
    return z;
  }

  /**
   * Returns the finite prediction that fits targets y with offsets and weights best: a model
   * without features. Methods begin there, so an estimate is good enough.
   */
  default double constant(double[] y, double[] offset, double[] s) {
    double sum = 0;
    double weight = 0;
    for (int i = 0; i < y.length; i++) {
      sum += s[i] * (y[i] - offset[i]);
      weight += s[i];
    }
    return weight > 0 ? sum / weight : 0;
  }

  /** Says in a few words what {@link #mean} is of a target of that name. */
  default String label(String target) {
    return target;
  }

  /** Names the measures of fit that are usual for this loss. */
  default void describeFit(Metrics metrics) {
    metrics.meanLoss("loss", this);
  }

  /** True if there is a link, so that {@link #mean} is another number than the prediction. */
  default boolean hasLink() {
    return false;
  }

  /** Returns the largest second derivative; infinite if there is none. */
  default double curvature() {
    return Double.POSITIVE_INFINITY;
  }

  /**
   * Returns a number that the second derivative is not below where the prediction is within {@code
   * way} of z; at least 0. Far below {@link #reach} it is near the second derivative itself, where
   * there is one.
   */
  default double leastCurvature(double z, double y, double way) {
    return 0;
  }

  /**
   * Returns how far a prediction moves until the second derivative is another, by about a factor of
   * e; 0 where {@link #leastCurvature} tells nothing.
   */
  default double reach() {
    return 0;
  }

  /** True if there is a derivative everywhere. */
  default boolean isSmooth() {
    return true;
  }

  /** True if the second derivative is constant. */
  default boolean isQuadratic() {
    return false;
  }

  /**
   * True for the squared error with a clipped derivative: parameters are as long as for the squared
   * error, while the derivative at zero understates how far away they are.
   */
  default boolean isClipped() {
    return false;
  }

  /** True if targets are the classes 0 and 1. */
  default boolean hasClasses() {
    return false;
  }

  /**
   * Returns the power of the targets' unit that the loss has, if targets and predictions may be
   * scaled: {@code loss(z, y) = s^degree inUnits(s).loss(z / s, y / s)}, and it stays what it is
   * where the same is subtracted from both. Other losses have 0.
   */
  default int degree() {
    return 0;
  }

  /** Returns this loss of targets divided by a scale, without the factor of {@link #degree}. */
  default Loss inUnits(double scale) {
    return this;
  }

  /** Says what targets must be, if that one is not; empty if it is accepted. */
  default Optional<String> targetRequirement(double y) {
    return Optional.empty();
  }
}
