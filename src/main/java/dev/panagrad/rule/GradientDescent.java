package dev.panagrad.rule;

import java.util.List;

/**
 * Gradient descent moves against the gradient of the full loss.
 *
 * <pre>
 *   p' = prox(p - rate * g)
 * </pre>
 *
 * For a loss whose gradient is L-Lipschitz (least squares: L is the largest eigenvalue of (2/n) X^T
 * X) it converges for {@code 0 < rate < 2/L}; the loss falls monotonically for {@code rate <= 1/L}.
 * On a strongly convex quadratic with condition number k of the Hessian, the error shrinks by at
 * best {@code (k-1)/(k+1)} per step, with {@code rate = 2/(L + mu)}. With an L1 penalty this is
 * proximal gradient descent (ISTA).
 *
 * <p>Sources: Nesterov, Lectures on Convex Optimization (2018), section 2.1.5; Beck and Teboulle
 * (2009), A fast iterative shrinkage-thresholding algorithm, for the proximal form.
 *
 * @param learningRate rate, > 0
 */
public record GradientDescent(double learningRate) implements UpdateRule {
  public static final int RATE = 0; // in StepCoefficients.own

  public GradientDescent {
    Checks.positive("learning rate", learningRate);
  }

  @Override
  public String name() {
    return "gd";
  }

  @Override
  public GradientDescent withLearningRate(double newLearningRate) {
    return new GradientDescent(newLearningRate);
  }

  /**
   * Returns {@code 1/L}. In a direction of curvature lambda the error shrinks by {@code 1 - lambda
   * / L} per step. {@code 2/(L + mu)} is best for the worst start, but on an ill-conditioned
   * problem it hardly shrinks the steepest direction, which raises the loss. On diabetes (condition
   * number 470), 100 steps end 0.51% above the exact loss with 1/L, 15% with 2/(L + mu).
   */
  @Override
  public double automaticRate(RateContext advice) {
    return 1 / advice.largestCurvature();
  }

  @Override
  public List<String> slots() {
    return List.of();
  }

  @Override
  public void coefficients(long step, double rate, double l1, StepCoefficients into) {
    into.own[RATE] = rate;
    into.l1Step = rate * l1;
  }

  @Override
  public double update(double p, double g, double[] s, StepCoefficients c) {
    g = c.gradient(p, g);
    return StepCoefficients.softThreshold(p * c.shrink - c.own[RATE] * g, c.l1Step);
  }
}
