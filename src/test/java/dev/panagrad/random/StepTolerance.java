package dev.panagrad.random;

import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;

/**
 * How far two right results of one step of one element may be apart.
 *
 * <p>A kernel in the type of the parameters is right if its results are within 4 ulp, at the
 * largest number that enters its last sum, of the definition for inputs that differ by roundings:
 * the gradient by two of its scaled and its decayed part and by the error of the norm that clipped
 * it, each state by two of its own. The definition rounds once more. What a change of inputs does
 * to the results is found by changing them: twice the sum of all changes.
 */
final class StepTolerance {
  /** Roundings of an input: as many as kernels make before they divide by it. */
  private static final double ROUNDINGS = 4;

  private static final double ULPS = 5;

  private final UpdateRule rule;
  private final StepCoefficients numbers;
  private final StepCoefficients bare;
  private final double normError;
  private final double unit;

  /** Of the parameter. */
  double p;

  /** Of each state vector. */
  final double[] states;

  private double parameter;
  private double gradient;
  private final double[] state;
  private final double[] changed;
  private final double[] expected;
  private double expectedParameter;

  /**
   * For the numbers of one step.
   *
   * @param normError relative error of the factor that clips the gradient's norm
   */
  StepTolerance(UpdateRule rule, StepCoefficients numbers, double normError) {
    this.rule = rule;
    this.numbers = numbers;
    this.normError = normError;
    unit = numbers.dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
    bare = new StepCoefficients(numbers.dtype);
    bare.step = numbers.step;
    bare.shrink = numbers.shrink;
    bare.l1Step = numbers.l1Step;
    System.arraycopy(numbers.own, 0, bare.own, 0, bare.own.length);
    int slots = rule.slots().size();
    states = new double[slots];
    state = new double[slots];
    changed = new double[slots];
    expected = new double[slots];
  }

  /** Whether numbers are neither so large that squares overflow nor none. */
  boolean isOrdinary(double value) {
    return Math.abs(value) < (numbers.dtype == DType.F32 ? 1e12 : 1e120);
  }

  /** Finds the bounds; false if there are none, as the step divides by what cancelled. */
  boolean find(double oldP, double g, double[] oldStates) {
    double scaled = Math.min(Math.abs(numbers.gradientScale * g), numbers.clipValue);
    double decayed = Math.abs(numbers.coupledDecay * oldP);
    double gradientError = ROUNDINGS * unit * (scaled + decayed) + normError * scaled;
    parameter = oldP;
    gradient = numbers.gradient(oldP, g);
    System.arraycopy(oldStates, 0, state, 0, state.length);
    System.arraycopy(oldStates, 0, expected, 0, state.length);
    expectedParameter = rule.update(parameter, gradient, expected, bare);
    if (!isOrdinary(expectedParameter) || isCancelled()) {
      return false;
    }
    double terms = scaled + decayed;
    p = ULPS * ulp(largest(terms));
    for (int s = 0; s < states.length; s++) {
      if (!isOrdinary(expected[s])) {
        return false;
      }
      double scale = Math.abs(state[s]) + Math.abs(expected[s]) + terms + terms * terms;
      states[s] = ULPS * ulp(scale) + numbers.dtype.minNormal();
    }
    for (double error : new double[] {gradientError, -gradientError}) {
      System.arraycopy(state, 0, changed, 0, state.length);
      add(rule.update(parameter, gradient + error, changed, bare));
    }
    for (int s = 0; s < states.length; s++) {
      double error = ROUNDINGS * unit * Math.abs(state[s]);
      for (double moved : new double[] {state[s] + error, state[s] - error}) {
        System.arraycopy(state, 0, changed, 0, state.length);
        changed[s] = moved;
        add(rule.update(parameter, gradient, changed, bare));
      }
    }
    return true;
  }

  private void add(double moved) {
    p += 2 * Math.abs(moved - expectedParameter);
    for (int s = 0; s < states.length; s++) {
      states[s] += 2 * Math.abs(changed[s] - expected[s]);
    }
  }

  /** Near the root of the mean square, the mean leaves no digits of their difference. */
  private boolean isCancelled() {
    return rule instanceof RmsProp rmsProp
        && rmsProp.centered()
        && expected[0] - expected[1] * expected[1] < 1e-3 * expected[0];
  }

  /** The largest number of the last sum, if no term had cancelled another. */
  private double largest(double terms) {
    for (int s = 0; s < state.length; s++) {
      changed[s] = Math.abs(state[s]);
    }
    double threshold = bare.l1Step;
    double shrink = bare.shrink;
    bare.l1Step = 0;
    bare.shrink = 1;
    double from = Math.abs(parameter);
    double update = Math.abs(rule.update(from, terms, changed, bare) - from);
    bare.l1Step = threshold;
    bare.shrink = shrink;
    System.arraycopy(state, 0, changed, 0, state.length);
    bare.l1Step = 0;
    double before = Math.abs(rule.update(parameter, gradient, changed, bare));
    bare.l1Step = threshold;
    return Math.max(
        Math.max(from, Math.abs(expectedParameter)),
        Math.max(before, Double.isFinite(update) ? update : 0));
  }

  private double ulp(double value) {
    return numbers.dtype == DType.F32 ? Math.ulp((float) value) : Math.ulp(value);
  }
}
