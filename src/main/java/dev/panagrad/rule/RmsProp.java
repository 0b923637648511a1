package dev.panagrad.rule;

import dev.panagrad.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * RMSProp divides the gradient by the root of a running mean of its squares.
 *
 * <pre>
 *   v' = alpha * v + (1 - alpha) * g^2
 *   a' = alpha * a + (1 - alpha) * g            centered only
 *   r  = sqrt(v') + epsilon                     plain
 *   r  = sqrt(max(v' - a'^2, 0)) + epsilon      centered
 *   b' = momentum * b + g / r                   with momentum
 *   p' = prox(p - rate * b')   or   prox(p - rate * g / r)
 * </pre>
 *
 * Centering divides by the standard deviation of the gradient instead of its root mean square. In
 * exact arithmetic {@code v' >= a'^2}; rounding can make the difference negative, so it is clamped
 * at zero (PyTorch returns NaN there). There is no bias correction: the first step is {@code rate /
 * sqrt(1 - alpha)} long per coordinate, ten rates with the default alpha. At a constant rate the
 * iterates keep moving by about the rate; use a schedule to close in.
 *
 * <p><b>Where frameworks differ.</b> Epsilon is added outside the root, as in PyTorch; TensorFlow
 * and Optax add it inside by default. The default alpha is PyTorch's 0.99; Hinton's lecture and
 * most other frameworks use 0.9.
 *
 * <p><b>L1.</b> The threshold of a coordinate is {@code rate * l1 / (r * (1 - momentum))}: the
 * proximal map in the metric of the step, at the velocity's gain for a constant gradient.
 *
 * <p>Sources: Tieleman and Hinton (2012), Lecture 6.5, COURSERA: Neural networks for machine
 * learning; Graves (2013), Generating sequences with recurrent neural networks, equations 38 to 41,
 * for the centered form.
 *
 * @param learningRate rate, > 0; PyTorch's default 1e-2
 * @param alpha in [0, 1); default 0.99
 * @param epsilon > 0; default 1e-8
 * @param momentum in [0, 1); default 0
 * @param centered whether to divide by the standard deviation
 * @param weightDecay coupled, >= 0; default 0
 */
public record RmsProp(
    double learningRate,
    double alpha,
    double epsilon,
    double momentum,
    boolean centered,
    double weightDecay)
    implements UpdateRule {
  // Indices in StepCoefficients.own.
  public static final int ALPHA = 0;
  public static final int ONE_MINUS_ALPHA = 1;
  public static final int RATE = 2;
  public static final int EPSILON = 3;
  public static final int MOMENTUM = 4;

  public RmsProp {
    Checks.positive("learning rate", learningRate);
    Checks.fraction("alpha", alpha);
    Checks.positive("epsilon", epsilon);
    Checks.fraction("momentum", momentum);
    Checks.nonNegative("weight decay", weightDecay);
  }

  /** Makes RMSProp with PyTorch's defaults. */
  public static RmsProp of(double learningRate) {
    return new RmsProp(learningRate, 0.99, 1e-8, 0, false, 0);
  }

  public RmsProp withAlpha(double newAlpha) {
    return new RmsProp(learningRate, newAlpha, epsilon, momentum, centered, weightDecay);
  }

  public RmsProp withEpsilon(double newEpsilon) {
    return new RmsProp(learningRate, alpha, newEpsilon, momentum, centered, weightDecay);
  }

  public RmsProp withMomentum(double newMomentum) {
    return new RmsProp(learningRate, alpha, epsilon, newMomentum, centered, weightDecay);
  }

  public RmsProp withCentering() {
    return new RmsProp(learningRate, alpha, epsilon, momentum, true, weightDecay);
  }

  public RmsProp withWeightDecay(double newWeightDecay) {
    return new RmsProp(learningRate, alpha, epsilon, momentum, centered, newWeightDecay);
  }

  public boolean hasMomentum() {
    return momentum > 0;
  }

  @Override
  public RmsProp withLearningRate(double newLearningRate) {
    return new RmsProp(newLearningRate, alpha, epsilon, momentum, centered, weightDecay);
  }

  /** Divides {@link RateContext#distancePerStep} by the velocity's gain 1 / (1 - momentum). */
  @Override
  public double automaticRate(RateContext advice) {
    return advice.distancePerStep() * (1 - momentum);
  }

  @Override
  public String name() {
    return "rmsprop";
  }

  /** Returns "v", then "mean" if centered, then "velocity" if there is momentum. */
  @Override
  public List<String> slots() {
    List<String> slots = new ArrayList<>(List.of("v"));
    if (centered) {
      slots.add("mean");
    }
    if (hasMomentum()) {
      slots.add("velocity");
    }
    return List.copyOf(slots);
  }

  @Override
  public boolean isNonNegative(int slot) {
    return slot == 0;
  }

  @Override
  public Optional<String> unsupportedReason(DType dtype) {
    return Checks.vanishing(epsilon, 1, dtype);
  }

  @Override
  public Optional<String> unsupportedReason(StateFormat format) {
    return centered && format.isCompact()
        ? Optional.of(
            "centring subtracts the square of one kept mean from another, and their rounding would be what is left; train without centring, or keep the state in the type of the parameters")
        : Optional.empty();
  }

  @Override
  public void coefficients(long step, double rate, double l1, StepCoefficients into) {
    double[] own = into.own;
    own[ALPHA] = alpha;
    own[ONE_MINUS_ALPHA] = 1 - alpha;
    own[RATE] = rate;
    own[EPSILON] = epsilon;
    own[MOMENTUM] = momentum;
    into.l1Step = rate * l1 / (1 - momentum);
  }

  @Override
  public double update(double p, double g, double[] s, StepCoefficients c) {
    double[] own = c.own;
    g = c.gradient(p, g);
    s[0] = c.stored(own[ALPHA] * s[0] + own[ONE_MINUS_ALPHA] * g * g);
    double square = s[0];
    if (centered) {
      s[1] = c.stored(own[ALPHA] * s[1] + own[ONE_MINUS_ALPHA] * g);
      square = Math.max(square - s[1] * s[1], 0);
    }
    double q = 1 / (Math.sqrt(square) + own[EPSILON]);
    double d = g * q;
    if (hasMomentum()) {
      int slot = centered ? 2 : 1;
      s[slot] = c.stored(own[MOMENTUM] * s[slot] + d);
      d = s[slot];
    }
    return StepCoefficients.softThreshold(p * c.shrink - own[RATE] * d, c.l1Step * q);
  }
}
