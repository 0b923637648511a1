package dev.panagrad.rule;

import dev.panagrad.tensor.DType;
import java.util.List;
import java.util.Optional;

/**
 * NAdam is Adam whose momentum looks one step ahead, as Nesterov's does, and warms up.
 *
 * <pre>
 *   mu_t = beta1 * (1 - 0.5 * 0.96^(t * momentumDecay))
 *   P_t  = mu_1 * mu_2 * ... * mu_t
 *   m'   = beta1 * m + (1 - beta1) * g
 *   v'   = beta2 * v + (1 - beta2) * g^2
 *   a_t  = (1 - mu_t) / (1 - P_t)
 *   b_t  = mu_(t+1) / (1 - P_(t+1))
 *   vhat = v' / (1 - beta2^t)
 *   p'   = prox(p - rate * (a_t * g + b_t * m') / (sqrt(vhat) + epsilon))
 * </pre>
 *
 * Adam steps by an average that ends with the newest gradient at weight {@code 1 - beta1}.
 * Nesterov's momentum would step by the average as it will be after one more gradient; Dozat puts
 * the newest gradient in place of the one to come. The momentum starts near {@code beta1 / 2} and
 * rises to beta1: with the default momentumDecay it is half way there after 4,200 steps. Its
 * products P take the place of {@code beta1^t} in the correction for the start at zero. Decay is
 * coupled, or decoupled as in {@link Adam}; compact state is accepted as Adam's, being the same two
 * means.
 *
 * <p><b>Where frameworks differ.</b> This is {@code torch.optim.NAdam}, whose m decays by beta1 and
 * not by {@code mu_t} as in the paper; P is F64, PyTorch's F32. TensorFlow and Keras have {@code
 * mu_t} of the next step in the same places; Optax's nadam has a constant momentum.
 *
 * <p><b>L1.</b> At a constant gradient g, {@code m' = (1 - beta1^t) * g} and {@code sqrt(vhat) =
 * |g|}, so that the step is {@code s * g} with {@code s = rate * gain_t / (|g| + epsilon)} and
 * {@code gain_t = a_t + b_t * (1 - beta1^t)}. The threshold {@code rate * gain_t * l1 / (sqrt(vhat)
 * + epsilon)} is {@code s * l1}: a point rests, {@code p = prox(p - s * g)}, if and only if {@code
 * |g| <= l1} where p is 0 and {@code g = -l1 * sign(p)} elsewhere: a minimum of loss plus penalty,
 * at every step.
 *
 * <p><b>P</b> is kept in {@link StepCoefficients#own} with the step and the hyper-parameters that
 * it belongs to, multiplied by one factor per step, and formed anew in the same order where it
 * belongs to another: a training that is resumed has the same bits. Below 2^-60 it is 0, as {@code
 * 1 - P} is then 1: after some 60 steps with the defaults.
 *
 * <p>Sources: Dozat (2016), Incorporating Nesterov momentum into Adam; PyTorch, torch.optim.NAdam;
 * Kingma and Ba (2015).
 *
 * @param learningRate rate, > 0; PyTorch's default 2e-3
 * @param beta1 in [0, 1); default 0.9
 * @param beta2 in [0, 1); default 0.999
 * @param epsilon > 0; default 1e-8
 * @param momentumDecay how fast the momentum rises, >= 0; default 4e-3; 0 keeps it at beta1 / 2
 * @param weightDecay >= 0; default 0
 * @param decoupled whether decay shrinks the parameter directly
 */
public record NAdam(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double momentumDecay,
    double weightDecay,
    boolean decoupled)
    implements UpdateRule {
  // Indices in StepCoefficients.own.
  static final int GRADIENT_STEP = 0; // rate * sqrt(1 - beta2^t) * a_t
  static final int MEAN_STEP = 1; // rate * sqrt(1 - beta2^t) * b_t
  private static final int EPSILON = 2; // epsilon * sqrt(1 - beta2^t), beside the corrected root
  private static final int PRODUCT = 3; // P, and what it belongs to
  private static final int PRODUCT_STEP = 4;
  private static final int PRODUCT_BETA1 = 5;
  private static final int PRODUCT_DECAY = 6;
  private static final double NEGLIGIBLE = 0x1p-60; // what 1 - P does not see

  public NAdam {
    Checks.positive("learning rate", learningRate);
    Checks.fraction("beta1", beta1);
    Checks.fraction("beta2", beta2);
    Checks.positive("epsilon", epsilon);
    Checks.nonNegative("momentum decay", momentumDecay);
    Checks.nonNegative("weight decay", weightDecay);
  }

  /** Makes NAdam with PyTorch's defaults. */
  public static NAdam of(double learningRate) {
    return new NAdam(learningRate, 0.9, 0.999, 1e-8, 4e-3, 0, false);
  }

  public NAdam withBetas(double newBeta1, double newBeta2) {
    return new NAdam(
        learningRate, newBeta1, newBeta2, epsilon, momentumDecay, weightDecay, decoupled);
  }

  public NAdam withEpsilon(double newEpsilon) {
    return new NAdam(learningRate, beta1, beta2, newEpsilon, momentumDecay, weightDecay, decoupled);
  }

  public NAdam withMomentumDecay(double newMomentumDecay) {
    return new NAdam(learningRate, beta1, beta2, epsilon, newMomentumDecay, weightDecay, decoupled);
  }

  /** Returns this rule with this weight decay, decoupled. */
  public NAdam withDecoupledWeightDecay(double newWeightDecay) {
    return new NAdam(learningRate, beta1, beta2, epsilon, momentumDecay, newWeightDecay, true);
  }

  public NAdam withWeightDecay(double newWeightDecay) {
    return new NAdam(learningRate, beta1, beta2, epsilon, momentumDecay, newWeightDecay, decoupled);
  }

  @Override
  public NAdam withLearningRate(double newLearningRate) {
    return new NAdam(newLearningRate, beta1, beta2, epsilon, momentumDecay, weightDecay, decoupled);
  }

  /** Returns {@link RateContext#distancePerStep}: each coordinate moves by about the rate. */
  @Override
  public double automaticRate(RateContext advice) {
    return advice.distancePerStep();
  }

  @Override
  public String name() {
    return "nadam";
  }

  @Override
  public List<String> slots() {
    return List.of("m", "v");
  }

  @Override
  public boolean isNonNegative(int slot) {
    return slot == 1;
  }

  @Override
  public Optional<String> unsupportedReason(DType dtype) {
    return Checks.vanishing(epsilon, Math.sqrt(1 - beta2), dtype);
  }

  @Override
  public boolean isDecayDecoupled() {
    return decoupled;
  }

  private double momentum(long step) {
    return beta1 * (1 - 0.5 * Math.pow(0.96, step * momentumDecay));
  }

  /** P of that step; at the first call and after a resumption, as many factors as steps. */
  private double product(long step, double[] own) {
    boolean isOurs =
        own[PRODUCT_BETA1] == beta1
            && own[PRODUCT_DECAY] == momentumDecay
            && own[PRODUCT_STEP] <= step;
    long known = isOurs ? (long) own[PRODUCT_STEP] : 0;
    double product = known == 0 ? 1 : own[PRODUCT];
    for (long i = known + 1; i <= step && product > 0; i++) {
      product *= momentum(i);
      if (product < NEGLIGIBLE) {
        product = 0;
      }
    }
    own[PRODUCT] = product;
    own[PRODUCT_STEP] = step;
    own[PRODUCT_BETA1] = beta1;
    own[PRODUCT_DECAY] = momentumDecay;
    return product;
  }

  @Override
  public void coefficients(long step, double rate, double l1, StepCoefficients into) {
    double[] own = into.own;
    double next = momentum(step + 1);
    double product = product(step, own);
    double ofGradient = (1 - momentum(step)) / (1 - product);
    double ofMean = next / (1 - product * next);
    double root = Math.sqrt(1 - into.beta2Powers.of(beta2, step));
    own[GRADIENT_STEP] = rate * root * ofGradient;
    own[MEAN_STEP] = rate * root * ofMean;
    own[EPSILON] = epsilon * root;
    double gain = ofGradient + ofMean * (1 - into.beta1Powers.of(beta1, step));
    into.l1Step = rate * root * gain * l1;
  }

  @Override
  public double update(double p, double g, double[] s, StepCoefficients c) {
    double[] own = c.own;
    g = c.gradient(p, g);
    s[0] = c.stored(beta1 * s[0] + (1 - beta1) * g);
    s[1] = c.stored(beta2 * s[1] + (1 - beta2) * g * g);
    double denominator = Math.sqrt(s[1]) + own[EPSILON];
    return StepCoefficients.softThreshold(
        p * c.shrink - (own[GRADIENT_STEP] * g + own[MEAN_STEP] * s[0]) / denominator,
        c.l1Step / denominator);
  }
}
