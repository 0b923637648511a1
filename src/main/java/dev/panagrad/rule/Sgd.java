package dev.panagrad.rule;

import java.util.List;

/**
 * Stochastic gradient descent steps by batches, with heavy-ball or Nesterov momentum as in PyTorch.
 *
 * <pre>
 *   g  = g + weightDecay * p
 *   b' = g                                   at the first step
 *   b' = momentum * b + (1 - dampening) * g  afterwards
 *   d  = g + momentum * b'                   Nesterov
 *   d  = b'                                  otherwise
 *   p' = prox(p - rate * d)
 * </pre>
 *
 * Without momentum there is no state and {@code d = g}. The rate multiplies the whole velocity, so
 * a change of the rate acts at once. At a constant gradient the velocity settles at {@code gain *
 * g} with {@code gain = (1 - dampening) / (1 - momentum)}; the L1 threshold is {@code rate * gain *
 * l1}, so that a resting point is a minimum of loss plus penalty. At a constant rate the iterates
 * end in a region around the minimum whose size grows with rate and gradient noise; a decaying
 * schedule closes it.
 *
 * <p>Sources: Robbins and Monro (1951); Polyak (1964), Some methods of speeding up the convergence
 * of iteration methods; Sutskever, Martens, Dahl and Hinton (2013), On the importance of
 * initialization and momentum in deep learning (who fold the rate into the velocity).
 *
 * @param learningRate rate, > 0
 * @param momentum in [0, 1)
 * @param dampening in [0, 1); 0 with Nesterov
 * @param nesterov needs momentum > 0
 * @param weightDecay coupled, >= 0
 */
public record Sgd(
    double learningRate, double momentum, double dampening, boolean nesterov, double weightDecay)
    implements UpdateRule {
  // Indices in StepCoefficients.own.
  public static final int RATE = 0;
  public static final int MOMENTUM = 1;
  public static final int INTAKE = 2; // of the gradient: 1 at the first step, then 1 - dampening

  public Sgd {
    Checks.positive("learning rate", learningRate);
    Checks.fraction("momentum", momentum);
    Checks.fraction("dampening", dampening);
    Checks.nonNegative("weight decay", weightDecay);
    if (nesterov && (momentum == 0 || dampening != 0)) {
      throw new IllegalArgumentException(
          "Nesterov momentum needs momentum > 0 and dampening 0, found momentum %s and dampening %s"
              .formatted(momentum, dampening));
    }
  }

  /** Makes plain mini-batch descent. */
  public static Sgd of(double learningRate) {
    return new Sgd(learningRate, 0, 0, false, 0);
  }

  public Sgd withMomentum(double newMomentum) {
    return new Sgd(learningRate, newMomentum, dampening, nesterov, weightDecay);
  }

  public Sgd withDampening(double newDampening) {
    return new Sgd(learningRate, momentum, newDampening, nesterov, weightDecay);
  }

  public Sgd withNesterov() {
    return new Sgd(learningRate, momentum, dampening, true, weightDecay);
  }

  public Sgd withWeightDecay(double newWeightDecay) {
    return new Sgd(learningRate, momentum, dampening, nesterov, newWeightDecay);
  }

  @Override
  public Sgd withLearningRate(double newLearningRate) {
    return new Sgd(newLearningRate, momentum, dampening, nesterov, weightDecay);
  }

  /**
   * Returns {@code 1 / (2 L_b gain)} with the expected smoothness L_b of batches of this size: up
   * to there steps contract towards a region around the minimum whatever the noise (Gower et al.
   * 2019, SGD: General analysis and improved rates, theorem 3.1).
   */
  @Override
  public double automaticRate(RateContext advice) {
    return 1 / (2 * advice.batchCurvature() * gain());
  }

  private double gain() {
    return hasMomentum() ? (1 - dampening) / (1 - momentum) : 1;
  }

  public boolean hasMomentum() {
    return momentum > 0;
  }

  @Override
  public String name() {
    return "sgd";
  }

  @Override
  public List<String> slots() {
    return hasMomentum() ? List.of("velocity") : List.of();
  }

  @Override
  public void coefficients(long step, double rate, double l1, StepCoefficients into) {
    into.own[RATE] = rate;
    into.own[MOMENTUM] = momentum;
    into.own[INTAKE] = step == 1 ? 1 : 1 - dampening;
    into.l1Step = rate * gain() * l1;
  }

  @Override
  public double update(double p, double g, double[] s, StepCoefficients c) {
    g = c.gradient(p, g);
    double d = g;
    if (hasMomentum()) {
      s[0] = c.stored(c.own[MOMENTUM] * s[0] + c.own[INTAKE] * g);
      d = nesterov ? g + c.own[MOMENTUM] * s[0] : s[0];
    }
    return StepCoefficients.softThreshold(p * c.shrink - c.own[RATE] * d, c.l1Step);
  }
}
