package dev.panagrad.random;

import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * How far roundings can move a model that is trained by plain steps along the gradient, {@code w' =
 * w - r (g(w) + 2 l2 w)}.
 *
 * <pre>
 *   X, Y   the largest norm of a row of features and 1, the largest target and offset
 *   L      the largest curvature, c X^2 + 2 l2, with c that of the loss
 *   W      the largest norm of the parameters so far: W' = W + r (G + 2 l2 W)
 *   G      the largest gradient there, X (c (X W + Y) + 1)
 *   e      the error of the parameters: e' = (1 + r L) e + r (d + 272) u G + 4 u (W + W')
 * </pre>
 *
 * A step magnifies the error that is there by at most {@code 1 + r L}, since the gradient has that
 * Lipschitz constant, and adds the error of the gradient, by the bound of GradientConformanceTest,
 * and four roundings of the parameters.
 */
final class TrainingBound {
  /** Beyond that the bound says nothing that is worth comparing. */
  private static final double LARGEST = 1e-3;

  private final TrainingData data;
  private final double rate;
  private final double l2;

  TrainingBound(TrainingData data, double rate, double l2) {
    this.data = data;
    this.rate = rate;
    this.l2 = l2;
  }

  /** Whether the loss has a bounded curvature, and rows count alike. */
  static boolean isKnown(TrainingData data) {
    boolean isSmooth =
        data.loss() instanceof Squared
            || data.loss() instanceof Huber
            || data.loss() instanceof Logistic;
    return isSmooth && data.weights() == null && data.dataset().x().dtype() == DType.F64;
  }

  /** After that many steps. */
  private double after(long steps) {
    Tensor features = data.dataset().x();
    double largestX = 0;
    double largestY = 0;
    for (long i = 0; i < features.rows(); i++) {
      double squares = 1;
      for (long f = 0; f < features.cols(); f++) {
        squares += features.get(i, f) * features.get(i, f);
      }
      largestX = Math.max(largestX, Math.sqrt(squares));
      double known = data.offset() == null ? 0 : Math.abs(data.offset().get(i));
      for (long j = 0; j < data.dataset().y().cols(); j++) {
        largestY = Math.max(largestY, known + Math.abs(data.dataset().y().get(i, j)));
      }
    }
    double c = data.loss().curvature();
    double curvature = c * largestX * largestX + 2 * l2;
    double error = 0;
    double norm = 0;
    for (long step = 0; step < steps && error < LARGEST; step++) {
      double gradient = largestX * (c * (largestX * norm + largestY) + 1);
      double next = norm + rate * (gradient + 2 * l2 * norm);
      error =
          (1 + rate * curvature) * error
              + rate * (features.cols() + 272) * 0x1p-53 * gradient
              + 4 * 0x1p-53 * (norm + next);
      norm = next;
    }
    return error;
  }

  /** Fails if two models are further apart than both errors allow. */
  void compare(TrainingOutcome a, TrainingOutcome b) {
    if (a.steps() != b.steps()) {
      throw new AssertionError(a.steps() + " steps and " + b.steps());
    }
    double bound = 2 * after(a.steps());
    if (!(bound < LARGEST)) {
      return;
    }
    for (int j = 0; j < a.model().targets().size(); j++) {
      KernelCall.near("intercept", a.model().intercept(j), b.model().intercept(j), bound);
      for (int f = 0; f < a.model().features().size(); f++) {
        double one = a.model().coefficient(j, f);
        KernelCall.near("coefficient", j, f, one, b.model().coefficient(j, f), bound);
      }
    }
  }
}
