package dev.panagrad.rule;

import dev.panagrad.tensor.DType;
import java.util.List;
import java.util.Optional;

/**
 * Adam divides momentum by the root of a running mean of squared gradients, both corrected for
 * their start at zero.
 *
 * <pre>
 *   m'   = beta1 * m + (1 - beta1) * g
 *   v'   = beta2 * v + (1 - beta2) * g^2
 *   mhat = m' / (1 - beta1^t)
 *   vhat = v' / (1 - beta2^t)          AMSGrad: the largest v' so far instead of v'
 *   p'   = prox(p - rate * mhat / (sqrt(vhat) + epsilon))
 * </pre>
 *
 * From m = 0, {@code m_t = (1 - beta1) * sum_i beta1^(t-i) g_i}, whose weights add up to {@code 1 -
 * beta1^t}: dividing by it makes m an average. Without it the first steps are too long, because v
 * starts further below its mean than m does (beta2 > beta1). v is not a Hessian: Adam is a
 * first-order method that rescales coordinates by gradient magnitude. At a constant rate it does
 * not converge to a point on noisy gradients; use a schedule.
 *
 * <p><b>Decay.</b> Coupled weight decay is added to the gradient and rescaled like it: no L2
 * penalty of uniform strength along the path, though it leads to the penalized minimum. Decoupled
 * decay (AdamW) multiplies the parameter by {@code 1 - rate * weightDecay} and leaves the moments
 * alone; its resting point is not the minimum of the L2-penalized loss.
 *
 * <p><b>Where frameworks differ.</b> Epsilon is added to the corrected root, as in the paper's
 * algorithm 1 and PyTorch. TensorFlow's "epsilon hat" form {@code rate * sqrt(1 - beta2^t) / (1 -
 * beta1^t) * m / (sqrt(v) + epsilon)} takes another epsilon. AMSGrad takes the maximum before the
 * correction, as in PyTorch.
 *
 * <p><b>L1.</b> The threshold of a coordinate is {@code rate * l1 / (sqrt(vhat) + epsilon)}: the
 * proximal map in the metric of the step. A threshold of {@code rate * l1} for all coordinates
 * would rest away from the minimum.
 *
 * <p>Sources: Kingma and Ba (2015), algorithm 1; Reddi, Kale and Kumar (2018), On the convergence
 * of Adam and beyond; Loshchilov and Hutter (2019), Decoupled weight decay regularization.
 *
 * @param learningRate rate, > 0; PyTorch's default 1e-3
 * @param beta1 in [0, 1); default 0.9
 * @param beta2 in [0, 1); default 0.999
 * @param epsilon > 0; default 1e-8
 * @param weightDecay >= 0; default 0
 * @param decoupled whether decay is AdamW's
 * @param amsgrad whether the largest second moment is kept
 */
public record Adam(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    boolean decoupled,
    boolean amsgrad)
    implements UpdateRule {
  // Indices in StepCoefficients.own.
  public static final int BETA1 = 0;
  public static final int ONE_MINUS_BETA1 = 1;
  public static final int BETA2 = 2;
  public static final int ONE_MINUS_BETA2 = 3;
  // rate * sqrt(1 - beta2^t) / (1 - beta1^t): with it, the moments need no correction.
  public static final int STEP = 4;
  // epsilon * sqrt(1 - beta2^t), which keeps epsilon beside the corrected root.
  public static final int EPSILON = 5;

  public Adam {
    Checks.positive("learning rate", learningRate);
    Checks.fraction("beta1", beta1);
    Checks.fraction("beta2", beta2);
    Checks.positive("epsilon", epsilon);
    Checks.nonNegative("weight decay", weightDecay);
  }

  /** Makes Adam with the paper's defaults, which are PyTorch's. */
  public static Adam of(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0, false, false);
  }

  /** Makes AdamW with PyTorch's default decay of 0.01. */
  public static Adam adamW(double learningRate) {
    return new Adam(learningRate, 0.9, 0.999, 1e-8, 0.01, true, false);
  }

  public Adam withBetas(double newBeta1, double newBeta2) {
    return new Adam(learningRate, newBeta1, newBeta2, epsilon, weightDecay, decoupled, amsgrad);
  }

  public Adam withEpsilon(double newEpsilon) {
    return new Adam(learningRate, beta1, beta2, newEpsilon, weightDecay, decoupled, amsgrad);
  }

  public Adam withWeightDecay(double newWeightDecay) {
    return new Adam(learningRate, beta1, beta2, epsilon, newWeightDecay, decoupled, amsgrad);
  }

  public Adam withAmsgrad() {
    return new Adam(learningRate, beta1, beta2, epsilon, weightDecay, decoupled, true);
  }

  @Override
  public Adam withLearningRate(double newLearningRate) {
    return new Adam(newLearningRate, beta1, beta2, epsilon, weightDecay, decoupled, amsgrad);
  }

  /** Returns {@link RateContext#distancePerStep}: each coordinate moves by about the rate. */
  @Override
  public double automaticRate(RateContext advice) {
    return advice.distancePerStep();
  }

  @Override
  public String name() {
    return decoupled ? "adamw" : "adam";
  }

  @Override
  public List<String> slots() {
    return amsgrad ? List.of("m", "v", "vmax") : List.of("m", "v");
  }

  @Override
  public boolean isNonNegative(int slot) {
    return slot > 0;
  }

  @Override
  public Optional<String> unsupportedReason(DType dtype) {
    return Checks.vanishing(epsilon, Math.sqrt(1 - beta2), dtype);
  }

  /** Refuses AMSGrad in few bits: a maximum over rounded numbers is that of the roundings too. */
  @Override
  public Optional<String> unsupportedReason(StateFormat format) {
    return amsgrad && format == StateFormat.INT8_BLOCKWISE
        ? Optional.of(
            "AMSGrad keeps the largest v, and with it the largest rounding, by which steps would become shorter and shorter; train without AMSGrad, or keep the state in bf16")
        : Optional.empty();
  }

  @Override
  public boolean isDecayDecoupled() {
    return decoupled;
  }

  @Override
  public void coefficients(long step, double rate, double l1, StepCoefficients into) {
    double[] own = into.own;
    own[BETA1] = beta1;
    own[ONE_MINUS_BETA1] = 1 - beta1;
    own[BETA2] = beta2;
    own[ONE_MINUS_BETA2] = 1 - beta2;
    double root = Math.sqrt(1 - into.beta2Powers.of(beta2, step));
    own[STEP] = rate * root / (1 - into.beta1Powers.of(beta1, step));
    own[EPSILON] = epsilon * root;
    into.l1Step = rate * l1 * root;
  }

  @Override
  public double update(double p, double g, double[] s, StepCoefficients c) {
    double[] own = c.own;
    g = c.gradient(p, g);
    s[0] = c.stored(own[BETA1] * s[0] + own[ONE_MINUS_BETA1] * g);
    s[1] = c.stored(own[BETA2] * s[1] + own[ONE_MINUS_BETA2] * g * g);
    double v = s[1];
    if (amsgrad) {
      s[2] = Math.max(s[2], v);
      v = s[2];
    }
    double denominator = Math.sqrt(v) + own[EPSILON];
    return StepCoefficients.softThreshold(
        p * c.shrink - own[STEP] * s[0] / denominator, c.l1Step / denominator);
  }
}
