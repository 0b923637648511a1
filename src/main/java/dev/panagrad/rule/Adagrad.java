package dev.panagrad.rule;

import dev.panagrad.tensor.DType;
import java.util.List;
import java.util.Optional;

/**
 * Adagrad divides the gradient by the root of the sum of all its squares so far.
 *
 * <pre>
 *   sum' = sum + g^2
 *   r    = sqrt(initialAccumulator + sum') + epsilon
 *   rate_t = rate / (1 + (t - 1) * rateDecay)
 *   p'   = prox(p - rate_t * g / r)
 * </pre>
 *
 * <p>The sum never forgets, so that steps on noisy gradients shrink like {@code 1 / sqrt(t)}, each
 * coordinate by its own history: one that is seldom seen keeps long steps. This denominator
 * minimizes, in hindsight and up to a factor, the bound on the regret of a diagonal scaling (Duchi,
 * Hazan and Singer, theorem 5). State starts at zero for all rules, so the initial value is added
 * where the sum is used.
 *
 * <p><b>Where frameworks differ.</b> Epsilon is added outside the root and the initial value is 0,
 * as in PyTorch, whose {@code lr_decay} is the {@code rateDecay}; TensorFlow's and Optax's initial
 * value is 0.1. A schedule and {@code rateDecay} multiply.
 *
 * <p><b>L1.</b> With {@code s = rate_t / r} the step is {@code s * g} and the threshold {@code s *
 * l1}, so that a point rests, {@code p = prox(p - s * g)}, if and only if {@code |g| <= l1} where p
 * is 0 and {@code g = -l1 * sign(p)} elsewhere: a minimum of loss plus penalty, whatever the
 * history (the paper's equation 24). A coordinate without any gradient so far has {@code r =
 * epsilon} and goes to 0 at once.
 *
 * <p><b>Rounding.</b> In F32 an increment below 2^-25 of the sum is lost. Compact formats round it
 * up with the probability of what is cut off. With unit u relative to the sum, an increment d adds
 * a variance of {@code u * sum * d}; along the growth of the sum, {@code u * integral(sum d sum) =
 * u * sum^2 / 2}. So the standard deviation is at most {@code sqrt(u / 2)} of the sum, however many
 * steps there are, and half as much of r: 2.7% in BF16 ({@code u} around 1/180) and 11% in
 * INT8_BLOCKWISE ({@code u} around 1/11). That rescales coordinates and leaves the minimum, so that
 * both formats are accepted. In INT8_BLOCKWISE a square that overflows shortens the steps of its
 * block for good; use BF16 where gradients may be that large.
 *
 * <p>Sources: Duchi, Hazan and Singer (2011), Adaptive subgradient methods for online learning and
 * stochastic optimization; PyTorch, torch.optim.Adagrad.
 *
 * @param learningRate rate, > 0; PyTorch's default 1e-2
 * @param rateDecay of the rate with the number of steps, >= 0; default 0
 * @param initialAccumulator added to the sum, >= 0; default 0
 * @param epsilon > 0; default 1e-10
 * @param weightDecay coupled, >= 0; default 0
 */
public record Adagrad(
    double learningRate,
    double rateDecay,
    double initialAccumulator,
    double epsilon,
    double weightDecay)
    implements UpdateRule {
  private static final int RATE = 0; // in StepCoefficients.own

  public Adagrad {
    Checks.positive("learning rate", learningRate);
    Checks.nonNegative("rate decay", rateDecay);
    Checks.nonNegative("initial accumulator", initialAccumulator);
    Checks.positive("epsilon", epsilon);
    Checks.nonNegative("weight decay", weightDecay);
  }

  /** Makes Adagrad with PyTorch's defaults. */
  public static Adagrad of(double learningRate) {
    return new Adagrad(learningRate, 0, 0, 1e-10, 0);
  }

  public Adagrad withRateDecay(double newRateDecay) {
    return new Adagrad(learningRate, newRateDecay, initialAccumulator, epsilon, weightDecay);
  }

  public Adagrad withInitialAccumulator(double newInitialAccumulator) {
    return new Adagrad(learningRate, rateDecay, newInitialAccumulator, epsilon, weightDecay);
  }

  public Adagrad withEpsilon(double newEpsilon) {
    return new Adagrad(learningRate, rateDecay, initialAccumulator, newEpsilon, weightDecay);
  }

  public Adagrad withWeightDecay(double newWeightDecay) {
    return new Adagrad(learningRate, rateDecay, initialAccumulator, epsilon, newWeightDecay);
  }

  @Override
  public Adagrad withLearningRate(double newLearningRate) {
    return new Adagrad(newLearningRate, rateDecay, initialAccumulator, epsilon, weightDecay);
  }

  /**
   * Returns the distance to the minimum in the largest coordinate: with gradients of one size step
   * t is {@code rate / sqrt(t)} long, and regret is least for a rate next to the distance (theorem
   * 5 of the paper, up to a factor of sqrt(2)).
   */
  @Override
  public double automaticRate(RateContext advice) {
    return advice.distance();
  }

  @Override
  public String name() {
    return "adagrad";
  }

  @Override
  public List<String> slots() {
    return List.of("sum");
  }

  @Override
  public boolean isNonNegative(int slot) {
    return true;
  }

  @Override
  public Optional<String> unsupportedReason(DType dtype) {
    return initialAccumulator >= dtype.minNormal()
        ? Optional.empty()
        : Checks.vanishing(epsilon, 1, dtype);
  }

  @Override
  public void coefficients(long step, double rate, double l1, StepCoefficients into) {
    double decayed = rate / (1 + (step - 1) * rateDecay);
    into.own[RATE] = decayed;
    into.l1Step = decayed * l1;
  }

  @Override
  public double update(double p, double g, double[] s, StepCoefficients c) {
    g = c.gradient(p, g);
    s[0] = c.stored(s[0] + g * g);
    double root = Math.sqrt(initialAccumulator + s[0]) + epsilon;
    return StepCoefficients.softThreshold(p * c.shrink - c.own[RATE] * g / root, c.l1Step / root);
  }
}
