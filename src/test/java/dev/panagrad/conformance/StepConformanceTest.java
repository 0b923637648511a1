package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.scalar.DefinitionStep;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Every rule, with every option that a fused kernel has a branch for, on every backend, against the
 * rule's scalar definition in double precision.
 */
@Tag("simd")
@Tag("conformance")
@Tag("thorough")
class StepConformanceTest {
  private static final long[] COUNTS = {
    0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 1023, 1024, 1025, 4097
  };

  static final List<UpdateRule> RULES =
      List.of(
          new GradientDescent(0.05),
          Sgd.of(0.05),
          Sgd.of(0.05).withWeightDecay(0.1),
          Sgd.of(0.05).withMomentum(0.9),
          Sgd.of(0.05).withMomentum(0.9).withDampening(0.3),
          Sgd.of(0.05).withMomentum(0.9).withNesterov().withWeightDecay(0.1),
          Adam.of(0.05),
          Adam.of(0.05).withWeightDecay(0.1),
          Adam.adamW(0.05),
          Adam.of(0.05).withAmsgrad(),
          RmsProp.of(0.05),
          RmsProp.of(0.05).withWeightDecay(0.1),
          RmsProp.of(0.05).withMomentum(0.9),
          RmsProp.of(0.05).withCentering(),
          RmsProp.of(0.05).withCentering().withMomentum(0.9),
          Lion.of(0.05).withWeightDecay(0.1),
          NAdam.of(0.05),
          NAdam.of(0.05).withWeightDecay(0.1),
          NAdam.of(0.05).withDecoupledWeightDecay(0.1),
          Adagrad.of(0.05),
          Adagrad.of(0.05).withInitialAccumulator(0.1).withWeightDecay(0.1));

  enum Options {
    PLAIN,
    CLIPPED,
    SPARSE,
    MAXIMIZED;

    /** Those that the rule has: one that refuses L1 has no threshold. */
    static List<Options> of(UpdateRule rule) {
      return Arrays.stream(values())
          .filter(o -> o != SPARSE || rule.unsupportedL1Reason().isEmpty())
          .toList();
    }
  }

  /** What an optimizer runs: the backend's kernel, or else the definition. */
  static StepKernel kernel(Backend backend, UpdateRule rule, DType dtype, StateFormat format) {
    return backend.step(rule, dtype, format).orElseGet(() -> new DefinitionStep(rule, format));
  }

  /**
   * The kernels of backends, by name; what one has from another counts once where time is short.
   */
  static Map<String, StepKernel> different(
      List<Backend> backends, UpdateRule rule, DType dtype, StateFormat format) {
    Map<String, StepKernel> kernels = new LinkedHashMap<>();
    Set<Class<?>> classes = new HashSet<>();
    for (Backend backend : backends) {
      StepKernel kernel = kernel(backend, rule, dtype, format);
      if (classes.add(kernel.getClass()) || Boolean.getBoolean("panagrad.test.slow")) {
        kernels.put(backend.name(), kernel);
      }
    }
    return kernels;
  }

  static StepCoefficients coefficients(UpdateRule rule, DType dtype, Options options) {
    StepCoefficients c = new StepCoefficients(dtype);
    c.gradientScale = options == Options.MAXIMIZED ? -1 : 1;
    c.clipValue = options == Options.CLIPPED ? 0.5 : Double.POSITIVE_INFINITY;
    c.coupledDecay = rule.isDecayDecoupled() ? 0 : rule.weightDecay();
    c.shrink = rule.isDecayDecoupled() ? 1 - 0.05 * rule.weightDecay() : 1;
    rule.coefficients(3, 0.05, options == Options.SPARSE ? 0.4 : 0, c);
    return c;
  }

  @Test
  void ordinaryValuesAreWithinFourUlp() {
    Random random = new Random(1);
    int compared = 0;
    try (Kernels kernels = new Kernels(2)) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (UpdateRule rule : RULES) {
          for (Options options : Options.of(rule)) {
            for (long count : COUNTS) {
              for (int offset : new int[] {0, 1, 3}) {
                Problem problem =
                    new Problem(
                        rule, dtype, options, (int) count, random::nextGaussian, Family.ORDINARY);
                kernels.check(problem, offset);
                compared++;
              }
            }
          }
        }
      }
    }
    int expected = 2 * 3 * COUNTS.length * RULES.stream().mapToInt(r -> Options.of(r).size()).sum();
    assertEquals(expected, compared);
    assertTrue(compared > 9_000, "compared " + compared);
  }

  @Test
  void extremeValuesBehaveLikeTheDefinition() {
    Random random = new Random(2);
    try (Kernels kernels = new Kernels(1)) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        double huge = dtype == DType.F32 ? 1e15 : 1e120;
        double[] special = {
          0.0,
          -0.0,
          Double.NaN,
          Double.POSITIVE_INFINITY,
          Double.NEGATIVE_INFINITY,
          huge,
          -huge,
          dtype.minNormal() / 4,
          -dtype.minNormal() / 2,
          dtype.minNormal(),
          1,
          -1
        };
        DoubleSupplier values = () -> special[random.nextInt(special.length)];
        for (UpdateRule rule : RULES) {
          for (Options options : Options.of(rule)) {
            for (int count : new int[] {1, 16, 33, 100}) {
              kernels.check(new Problem(rule, dtype, options, count, values, Family.EXTREME), 1);
            }
          }
        }
      }
    }
  }

  private enum Family {
    ORDINARY,
    EXTREME
  }

  /** The kernels of all backends, each asked for once. */
  private static final class Kernels implements AutoCloseable {
    private final List<Backend> backends;
    private final Map<List<Object>, Map<String, StepKernel>> kernels = new HashMap<>();

    Kernels(int threads) {
      backends = TestBackends.conforming(threads);
    }

    void check(Problem problem, int offset) {
      kernels
          .computeIfAbsent(
              List.of(problem.rule, problem.dtype),
              _ -> different(backends, problem.rule, problem.dtype, StateFormat.SAME))
          .forEach((name, kernel) -> problem.check(name, kernel, offset));
    }

    @Override
    public void close() {
      TestBackends.close(backends);
    }
  }

  /** Operands of a step, and what the rule's definition makes of them, once for all backends. */
  private static final class Problem {
    private final UpdateRule rule;
    private final DType dtype;
    private final Options options;
    private final Family family;
    private final StepCoefficients c;
    private final double[] before;
    private final double[] gradient;
    private final double[][] states;
    private final double[] expected;
    private final double[][] expectedStates;

    /** What the bounds of parameters and state are relative to, and what comes on top. */
    private final double[] largest;

    private final double[] slack;
    private final double[][] scales;

    Problem(
        UpdateRule rule,
        DType dtype,
        Options options,
        int count,
        DoubleSupplier values,
        Family family) {
      this.rule = rule;
      this.dtype = dtype;
      this.options = options;
      this.family = family;
      c = coefficients(rule, dtype, options);
      int slots = rule.slots().size();
      before = new double[count];
      gradient = new double[count];
      states = new double[slots][count];
      expected = new double[count];
      expectedStates = new double[slots][count];
      largest = new double[count];
      slack = new double[count];
      scales = new double[slots][count];
      for (int i = 0; i < count; i++) {
        before[i] = rounded(values.getAsDouble());
        gradient[i] = rounded(values.getAsDouble());
        for (int s = 0; s < slots; s++) {
          states[s][i] = rounded(state(s, i, values));
        }
        define(i);
      }
    }

    private double rounded(double value) {
      return dtype == DType.F32 ? (float) value : value;
    }

    /** State as a run leaves it: never subnormal, second moments not negative. */
    private double state(int slot, int i, DoubleSupplier values) {
      double state = family == Family.ORDINARY ? values.getAsDouble() : 0.25;
      if (rule.isNonNegative(slot)) {
        return state * state;
      }
      // A mean well below the root of the mean square: near it, their difference has no digits left
      // to compare.
      boolean mean = rule.slots().get(slot).equals("mean");
      return mean ? 0.5 * Math.sqrt(states[0][i]) * Math.sin(state) : state;
    }

    private void define(int i) {
      double[] state = new double[states.length];
      for (int s = 0; s < state.length; s++) {
        state[s] = states[s][i];
      }
      double moved = rule.update(before[i], gradient[i], state.clone(), withoutThreshold(c));
      expected[i] = rule.update(before[i], gradient[i], state, c);
      largest[i] =
          Math.max(
              Math.max(Math.abs(before[i]), Math.abs(moved)),
              uncancelledUpdate(rule, before[i], gradient[i], states, i, c));
      slack[i] = ofRoundedGradient(rule, before[i], gradient[i], states, i, c, expected[i]);
      // Of the terms of the decayed gradient, which may cancel.
      double terms =
          Math.min(Math.abs(c.gradientScale * gradient[i]), c.clipValue)
              + Math.abs(c.coupledDecay * before[i]);
      for (int s = 0; s < state.length; s++) {
        expectedStates[s][i] = state[s];
        scales[s][i] = Math.abs(states[s][i]) + terms + terms * terms + Math.abs(state[s]);
      }
    }

    void check(String backend, StepKernel kernel, int offset) {
      int count = before.length;
      String what = "%s %s %s %s count %d".formatted(backend, rule, dtype, options, count);
      try (Sentinels memory = new Sentinels()) {
        Tensor p = tensor(memory, "p", offset, before);
        Tensor g = tensor(memory, "g", offset, gradient);
        Tensor[] slots = new Tensor[states.length];
        for (int s = 0; s < slots.length; s++) {
          slots[s] = tensor(memory, rule.slots().get(s), offset, states[s]);
        }
        kernel.apply(p, g, slots, 0, count, c);
        memory.check(what);
        for (int i = 0; i < count; i++) {
          int element = i;
          assertEquals(gradient[i], g.get(i), 0.0, () -> what + ": the gradient was written");
          Supplier<String> ofP = () -> what + " element " + element + " p";
          compare(ofP, dtype, largest[i], slack[i], expected[i], p.get(i), family);
          for (int s = 0; s < slots.length; s++) {
            double kept = slots[s].get(i);
            String slot = rule.slots().get(s);
            Supplier<String> ofSlot = () -> what + " element " + element + " " + slot;
            compare(ofSlot, dtype, scales[s][i], 0, expectedStates[s][i], kept, family);
            assertTrue(
                kept == 0 || !(Math.abs(kept) < dtype.minNormal()),
                () -> what + ": subnormal state " + kept);
          }
        }
      }
    }

    private Tensor tensor(Sentinels memory, String name, int offset, double[] values) {
      return memory.tensor(name, dtype, offset, values.length).copyFrom(values);
    }
  }

  /**
   * The size of the update if no term of its running mean or of the decayed gradient cancelled
   * another.
   */
  private static double uncancelledUpdate(
      UpdateRule rule, double p, double g, double[][] states, int i, StepCoefficients c) {
    double[] state = new double[states.length];
    for (int s = 0; s < state.length; s++) {
      state[s] = Math.abs(states[s][i]);
    }
    StepCoefficients positive = withoutThreshold(c);
    positive.gradientScale = Math.abs(c.gradientScale);
    positive.shrink = 1;
    double from = Math.abs(p);
    return Math.abs(rule.update(from, Math.abs(g), state, positive) - from);
  }

  /**
   * How far the parameter moves when the gradient moves by what rounding of {@code scale * g +
   * decay * p} does: two roundings of its larger term. Where the terms cancel and the second moment
   * is young, the step divides by what is left, and magnifies that.
   */
  private static double ofRoundedGradient(
      UpdateRule rule,
      double p,
      double g,
      double[][] states,
      int i,
      StepCoefficients c,
      double expected) {
    if (c.coupledDecay == 0) {
      return 0;
    }
    double unit = c.dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
    double rounding = 2 * unit * Math.max(Math.abs(g), Math.abs(c.coupledDecay * p));
    double slack = 0;
    for (double moved : new double[] {g - rounding, g + rounding}) {
      double[] state = new double[states.length];
      for (int s = 0; s < state.length; s++) {
        state[s] = states[s][i];
      }
      slack = Math.max(slack, Math.abs(rule.update(p, moved, state, c) - expected));
    }
    return Double.isFinite(slack) ? slack : 0;
  }

  private static StepCoefficients withoutThreshold(StepCoefficients c) {
    StepCoefficients copy = new StepCoefficients(c.dtype);
    copy.gradientScale = c.gradientScale;
    copy.clipValue = c.clipValue;
    copy.coupledDecay = c.coupledDecay;
    copy.shrink = c.shrink;
    System.arraycopy(c.own, 0, copy.own, 0, c.own.length);
    return copy;
  }

  /**
   * The bound is 4 ulp at the largest magnitude that enters the last sum: the parameter before,
   * after, and before its threshold, the update without cancellation, the terms of a running mean.
   * A sum that cancels keeps the absolute error of its terms, hence not at the result; slack is
   * what a gradient that cancelled against its decay adds. With a threshold in the step, rounding
   * can land on either side of zero: the bound holds there too, because the map is continuous.
   */
  private static void compare(
      Supplier<String> what,
      DType dtype,
      double before,
      double slack,
      double expected,
      double actual,
      Family family) {
    if (Double.isNaN(expected)) {
      assertTrue(Double.isNaN(actual), () -> what.get() + ": NaN expected, found " + actual);
      return;
    }
    double rounded = dtype == DType.F32 ? (float) expected : expected;
    if (Double.isInfinite(rounded)) {
      assertEquals(rounded, actual, 0.0, what);
      return;
    }
    double largest =
        Math.max(Math.max(Math.abs(before), Math.abs(expected)), Math.abs(expected - before));
    if (!Double.isFinite(largest)) {
      return;
    }
    double ulp = dtype == DType.F32 ? Math.ulp((float) largest) : Math.ulp(largest);
    // Extreme values mix magnitudes so far apart that a cancelling mean leaves only the larger
    // term's rounding.
    double factor = family == Family.ORDINARY ? 4 : 16;
    assertEquals(expected, actual, factor * ulp + slack, what);
  }
}
