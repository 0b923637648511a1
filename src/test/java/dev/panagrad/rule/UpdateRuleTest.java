package dev.panagrad.rule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Scale;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the definitions say of one element, from the papers and not from the code. */
@Tag("first")
class UpdateRuleTest {
  private static final double RATE = 0.01;

  private static double update(UpdateRule rule, long step, double p, double g, double... state) {
    StepCoefficients c = new StepCoefficients(DType.F64);
    c.coupledDecay = rule.isDecayDecoupled() ? 0 : rule.weightDecay();
    c.shrink = rule.isDecayDecoupled() ? 1 - RATE * rule.weightDecay() : 1;
    rule.coefficients(step, RATE, 0, c);
    return rule.update(p, g, state, c);
  }

  /** Both moments are corrected to g and g^2, so the first step is one rate long. */
  @Property
  void firstAdamStepIsTheRate(
      @ForAll @Scale(8) @DoubleRange(min = 1e-3, max = 1e6) double magnitude,
      @ForAll boolean negative) {
    double g = negative ? -magnitude : magnitude;
    double p = update(Adam.of(RATE), 1, 5, g, 0, 0);
    assertEquals(5 - RATE * Math.signum(g), p, RATE * 1e-4);
  }

  /** The root of the sum of one square is its gradient. */
  @Property
  void firstAdagradStepIsTheRate(
      @ForAll @Scale(8) @DoubleRange(min = 1e-3, max = 1e6) double magnitude,
      @ForAll boolean negative) {
    double g = negative ? -magnitude : magnitude;
    assertEquals(5 - RATE * Math.signum(g), update(Adagrad.of(RATE), 1, 5, g, 0), RATE * 1e-6);
  }

  /** With a decay of the rate that is half after as many steps as its inverse. */
  @Test
  void adagradAddsUpSquaresFromTheInitialValue() {
    double[] state = {3};
    Adagrad rule = Adagrad.of(RATE).withInitialAccumulator(2).withRateDecay(0.1);
    assertEquals(5 - 0.5 * RATE * 2 / 3, update(rule, 11, 5, 2, state), 1e-11);
    assertEquals(7, state[0]);
  }

  /** One rate in every coordinate, by the sign of what looks ahead and not of what is kept. */
  @Property
  void lionMovesByTheRate(@ForAll @Scale(8) @DoubleRange(min = -1e6, max = 1e6) double g) {
    assertEquals(5 - RATE * Math.signum(g), update(Lion.of(RATE), 1, 5, g, 0));
    // 0.9 * 1 - 0.1 * 10 is negative, and 0.99 * 1 - 0.01 * 10 is positive.
    double[] state = {1};
    assertEquals(5 + RATE, update(Lion.of(RATE), 1, 5, -10, state));
    assertEquals(0.89, state[0], 1e-15);
  }

  @Test
  void lionDoesNotMoveWithoutGradient() {
    assertEquals(5, update(Lion.of(RATE), 1, 5, 0, 0));
    assertEquals(5 * (1 - RATE * 0.1), update(Lion.of(RATE).withWeightDecay(0.1), 1, 5, 0, 0));
  }

  /** The momenta of the first two steps, from the formulas: {@code a = 1} whatever they are. */
  @Test
  void firstNAdamStep() {
    double first = 0.9 * (1 - 0.5 * Math.pow(0.96, 0.004));
    double second = 0.9 * (1 - 0.5 * Math.pow(0.96, 0.008));
    double expected = 5 - RATE * (1 + second / (1 - first * second) * 0.1);
    assertEquals(expected, update(NAdam.of(RATE), 1, 5, 300, 0, 0), 1e-10 * RATE);
  }

  /**
   * Coefficients of a step are the same whichever steps, or other hyper-parameters, came before.
   */
  @Test
  void coefficientsOfNAdamDependOnTheStepAlone() {
    for (NAdam rule :
        new NAdam[] {
          NAdam.of(RATE),
          NAdam.of(RATE).withMomentumDecay(0),
          NAdam.of(RATE).withBetas(0.999, 0.9).withMomentumDecay(10),
          NAdam.of(RATE).withBetas(0, 0)
        }) {
      StepCoefficients going = new StepCoefficients(DType.F64);
      StepCoefficients jumping = new StepCoefficients(DType.F64);
      for (long step = 1; step < 300; step++) {
        rule.coefficients(step, RATE, 0.1, going);
        StepCoefficients fresh = new StepCoefficients(DType.F64);
        rule.coefficients(step, RATE, 0.1, fresh);
        NAdam.of(RATE).withBetas(0.8, 0.9).coefficients(step + 7, RATE, 0.1, jumping);
        rule.coefficients(step + 5, RATE, 0.1, jumping);
        rule.coefficients(step, RATE, 0.1, jumping);
        for (StepCoefficients other : new StepCoefficients[] {fresh, jumping}) {
          assertEquals(going.own[NAdam.GRADIENT_STEP], other.own[NAdam.GRADIENT_STEP]);
          assertEquals(going.own[NAdam.MEAN_STEP], other.own[NAdam.MEAN_STEP]);
          assertEquals(going.l1Step, other.l1Step);
        }
      }
    }
  }

  /**
   * At a constant gradient the threshold is to the penalty what the step is to the gradient, at
   * every step: the parameter moves by the part of the gradient that is beyond the penalty, and
   * rests where they are equal.
   */
  @Test
  void thresholdBalancesConstantGradient() {
    for (UpdateRule rule :
        new UpdateRule[] {
          Adam.of(RATE),
          RmsProp.of(RATE),
          NAdam.of(RATE),
          NAdam.of(RATE).withBetas(0.99, 0.9).withMomentumDecay(1),
          Adagrad.of(RATE),
          Adagrad.of(RATE).withInitialAccumulator(2).withRateDecay(0.1)
        }) {
      for (double g : new double[] {0.02, 3}) {
        StepCoefficients c = new StepCoefficients(DType.F64);
        double[] plain = {0, 0};
        double[] penalized = {0, 0};
        for (long step = 1; step < 100; step++) {
          rule.coefficients(step, RATE, 0, c);
          double moved = 100 - rule.update(100, g, plain, c);
          rule.coefficients(step, RATE, g / 4, c);
          double left = rule.update(-100, g, penalized.clone(), c) + 100;
          assertEquals(-0.75 * moved, left, 1e-11, rule + " step " + step);
          rule.coefficients(step, RATE, g, c);
          assertEquals(-100, rule.update(-100, g, penalized, c), 1e-11, rule + " step " + step);
        }
      }
    }
  }

  @Test
  void onlyLionRefusesL1() {
    assertTrue(Lion.of(1).unsupportedL1Reason().isPresent());
    for (UpdateRule rule :
        new UpdateRule[] {
          new GradientDescent(1), Sgd.of(1), Adam.of(1), RmsProp.of(1), NAdam.of(1), Adagrad.of(1)
        }) {
      assertTrue(rule.unsupportedL1Reason().isEmpty(), rule.name());
    }
    StepCoefficients c = new StepCoefficients(DType.F64);
    assertThrows(IllegalArgumentException.class, () -> Lion.of(1).coefficients(1, 1, 0.1, c));
  }

  /** No correction: v = (1 - alpha) g^2, so the first step is rate / sqrt(1 - alpha). */
  @Property
  void firstRmsPropStepIsTenRates(@ForAll @Scale(8) @DoubleRange(min = 1e-3, max = 1e6) double g) {
    assertEquals(5 - 10 * RATE, update(RmsProp.of(RATE), 1, 5, g, 0), RATE * 1e-3);
  }

  @Property
  void gradientDescentMovesByRateTimesGradient(
      @ForAll @DoubleRange(min = -1e6, max = 1e6) double p,
      @ForAll @DoubleRange(min = -1e6, max = 1e6) double g) {
    assertEquals(
        p - RATE * g, update(new GradientDescent(RATE), 1, p, g), 1e-15 * Math.abs(p) + 1e-9);
  }

  /** A constant gradient has no variance: rounding must not put a NaN under the root. */
  @Property
  void centeredRootStaysReal(@ForAll @DoubleRange(min = -1e3, max = 1e3) double g) {
    UpdateRule rule = RmsProp.of(RATE).withCentering();
    StepCoefficients c = new StepCoefficients(DType.F32);
    rule.coefficients(1, RATE, 0, c);
    double[] state = {0, 0};
    double p = 1;
    for (int i = 0; i < 3000; i++) {
      p = rule.update(p, (float) g, state, c);
      assertTrue(Double.isFinite(p), "step " + i);
    }
  }

  @Test
  void nanReachesTheParameter() {
    for (UpdateRule rule :
        new UpdateRule[] {
          new GradientDescent(RATE),
          Sgd.of(RATE).withMomentum(0.9),
          Adam.of(RATE).withAmsgrad(),
          RmsProp.of(RATE).withCentering(),
          Lion.of(RATE),
          NAdam.of(RATE),
          Adagrad.of(RATE)
        }) {
      double[] state = new double[3];
      assertTrue(Double.isNaN(update(rule, 1, 1, Double.NaN, state)), rule.name());
    }
  }

  /** Kept state is rounded to its type, and zero instead of subnormal. */
  @Test
  void stateHasNoSubnormals() {
    StepCoefficients narrow = new StepCoefficients(DType.F32);
    assertEquals(0, narrow.stored(1e-39));
    assertEquals(0, narrow.stored(-1e-39));
    assertEquals(Float.MIN_NORMAL, narrow.stored(Float.MIN_NORMAL));
    assertEquals(0.1f, narrow.stored(0.1));
    StepCoefficients wide = new StepCoefficients(DType.F64);
    assertEquals(1e-39, wide.stored(1e-39));
    assertEquals(0, wide.stored(1e-309));
    assertTrue(Double.isNaN(wide.stored(Double.NaN)));
  }

  /** An exact zero within the threshold, a move by the threshold beyond it. */
  @Property
  void softThresholdIsTheProximalMap(
      @ForAll @DoubleRange(min = -10, max = 10) double p,
      @ForAll @DoubleRange(min = 0, max = 5) double threshold) {
    double moved = StepCoefficients.softThreshold(p, threshold);
    if (Math.abs(p) <= threshold && threshold > 0) {
      assertEquals(0, moved);
    } else {
      assertEquals(Math.abs(p) - threshold, Math.abs(moved));
      assertEquals(Math.signum(p), Math.signum(moved));
    }
  }

  /** Decoupled decay multiplies the parameter and leaves the moments alone. */
  @Test
  void decoupledDecayDoesNotTouchMoments() {
    double[] with = {0, 0};
    double[] without = {0, 0};
    double decayed = update(Adam.adamW(RATE).withWeightDecay(0.5), 1, 2, 0.3, with);
    double plain = update(Adam.of(RATE), 1, 2, 0.3, without);
    assertEquals(without[0], with[0]);
    assertEquals(without[1], with[1]);
    assertEquals(plain - 2 * RATE * 0.5, decayed, 1e-15);
    double[] coupled = {0, 0};
    update(Adam.of(RATE).withWeightDecay(0.5), 1, 2, 0.3, coupled);
    assertEquals(0.1 * (0.3 + 0.5 * 2), coupled[0], 1e-15);
  }

  @Test
  void slotsAreAsManyAsTheRuleKeeps() {
    assertEquals(0, new GradientDescent(1).slots().size());
    assertEquals(0, Sgd.of(1).slots().size());
    assertEquals(1, Sgd.of(1).withMomentum(0.9).slots().size());
    assertEquals(2, Adam.of(1).slots().size());
    assertEquals(3, Adam.of(1).withAmsgrad().slots().size());
    assertEquals(3, RmsProp.of(1).withCentering().withMomentum(0.9).slots().size());
    assertFalse(RmsProp.of(1).hasMomentum());
    assertEquals(1, Lion.of(1).slots().size());
    assertEquals(2, NAdam.of(1).slots().size());
    assertEquals(1, Adagrad.of(1).slots().size());
  }
}
