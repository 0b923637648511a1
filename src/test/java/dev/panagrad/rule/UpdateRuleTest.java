package dev.panagrad.rule;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.Scale;
import org.junit.jupiter.api.Test;

/** What the definitions say of one element, from the papers and not from the code. */
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
  void centredRootStaysReal(@ForAll @DoubleRange(min = -1e3, max = 1e3) double g) {
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
          RmsProp.of(RATE).withCentering()
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
  }
}
