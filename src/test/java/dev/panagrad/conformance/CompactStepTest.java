package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.StepKernel;
import dev.panagrad.backend.scalar.DefinitionStep;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Block8;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Steps with state in compact formats, on every backend that has them, against the definition: from
 * the same codes, parameters differ by roundings of F32 and kept numbers by one code, where a
 * number lay at the edge of being rounded the other way.
 */
@Tag("simd")
@Tag("conformance")
class CompactStepTest {
  private static final List<StateFormat> FORMATS =
      List.of(StateFormat.BF16, StateFormat.INT8_BLOCKWISE);
  private static final long[][] RANGES = {
    {0, 0, 5},
    {0, 1, 1},
    {0, 16, 16},
    {0, 255, 255},
    {0, 256, 256},
    {0, 257, 300},
    {3, 40, 50},
    {200, 100, 300},
    {250, 1100, 1400},
    {512, 768, 1280},
    {0, 1297, 1297}
  };

  static List<UpdateRule> rules(StateFormat format) {
    return StepConformanceTest.RULES.stream()
        .filter(r -> r.unsupportedReason(format).isEmpty())
        .toList();
  }

  /** Tensors of one run. */
  private static final class Operands {
    final Tensor p;
    final Tensor g;
    final Tensor[] state;

    Operands(Sentinels memory, UpdateRule rule, StateFormat format, long count, int offset) {
      state = new Tensor[rule.slots().size() * format.tensorsPerSlot()];
      for (int i = 0; i < state.length; i++) {
        int part = i % format.tensorsPerSlot();
        DType dtype = format.dtype(part, DType.F32);
        state[i] = memory.tensor("s" + i, dtype, offset, format.count(part, count));
      }
      p = memory.tensor("p", DType.F32, offset, count);
      g = memory.tensor("g", DType.F32, offset, count);
    }

    void copyFrom(Operands other) {
      p.copyFrom(other.p);
      g.copyFrom(other.g);
      for (int i = 0; i < state.length; i++) {
        state[i].copyFrom(other.state[i]);
      }
    }
  }

  private static void randomize(Tensor t, SplittableRandom random) {
    for (long i = 0; i < t.count(); i++) {
      // Magnitudes of many sizes, and zeros.
      double size = random.nextInt(8) == 0 ? 0 : Math.exp(-6 * random.nextDouble());
      t.set(i, size * random.nextGaussian());
    }
  }

  /** How many steps to the next number of the format. */
  private static double units(StateFormat format, boolean isNonNegative, double a, double b) {
    double relative = format == StateFormat.BF16 ? 1 / 128.0 : isNonNegative ? 0.125 : 0.25;
    return Math.abs(a - b) / (relative * Math.max(Math.abs(a), Math.abs(b)) + 1e-300);
  }

  private static double kept(
      UpdateRule rule, StateFormat format, Tensor[] state, int slot, long i) {
    if (format == StateFormat.BF16) {
      return state[slot].get(i);
    }
    long b = i / StateFormat.BLOCK;
    int code = (int) state[2 * slot].get(i);
    return Block8.decode(code, (float) state[2 * slot + 1].get(b), rule.isNonNegative(slot));
  }

  /**
   * How far an element moves with the roundings of a gradient from which weight decay takes nearly
   * all, whose quotient with its own root mean square may be anything.
   */
  private static double sensitivity(
      long i, Operands before, Operands trial, Runnable step, double decay) {
    double g = before.g.get(i);
    double rounding = 0x1p-23 * (Math.abs(g) + Math.abs(decay * before.p.get(i)));
    double[] found = new double[3];
    for (int side = -1; side <= 1; side++) {
      trial.copyFrom(before);
      trial.g.set(i, g + side * rounding);
      step.run();
      found[side + 1] = trial.p.get(i);
    }
    return Math.max(Math.abs(found[0] - found[1]), Math.abs(found[2] - found[1]));
  }

  @Test
  void likeTheDefinition() {
    SplittableRandom random = new SplittableRandom(1);
    List<Backend> backends = TestBackends.host(2);
    // The run of the software device alone has no backend with compact formats.
    assumeTrue(!backends.isEmpty(), "only backends that compute in host memory have them");
    long numbers = 0;
    long others = 0;
    for (StateFormat format : FORMATS) {
      for (UpdateRule rule : rules(format)) {
        Map<String, StepKernel> kernels =
            StepConformanceTest.different(backends, rule, DType.F32, format);
        for (var each : kernels.entrySet()) {
          StepKernel kernel = each.getValue();
          StepKernel definition = new DefinitionStep(rule, format);
          for (StepConformanceTest.Options options : StepConformanceTest.Options.of(rule)) {
            for (long[] range : RANGES) {
              String what =
                  "%s %s %s %s from %d, %d of %d"
                      .formatted(
                          each.getKey(), format, rule, options, range[0], range[1], range[2]);
              try (Sentinels memory = new Sentinels()) {
                Operands ours = new Operands(memory, rule, format, range[2], 1);
                Operands expected = new Operands(memory, rule, format, range[2], 0);
                Operands before = new Operands(memory, rule, format, range[2], 0);
                Operands trial = new Operands(memory, rule, format, range[2], 0);
                randomize(expected.p, random);
                StepCoefficients c = StepConformanceTest.coefficients(rule, DType.F32, options);
                for (int step = 1; step <= 3; step++) {
                  c.step = step;
                  randomize(expected.g, random);
                  ours.copyFrom(expected);
                  before.copyFrom(expected);
                  kernel.apply(ours.p, ours.g, ours.state, range[0], range[1], c);
                  definition.apply(expected.p, expected.g, expected.state, range[0], range[1], c);
                  memory.check(what);
                  for (long i = 0; i < range[2]; i++) {
                    double p = expected.p.get(i);
                    double g = expected.g.get(i);
                    double allowed = 2e-5 * Math.max(1, Math.abs(p));
                    if (Math.abs(p - ours.p.get(i)) > allowed) {
                      allowed +=
                          sensitivity(
                              i,
                              before,
                              trial,
                              () ->
                                  definition.apply(
                                      trial.p, trial.g, trial.state, range[0], range[1], c),
                              c.coupledDecay);
                    }
                    assertEquals(p, ours.p.get(i), allowed, what);
                    for (int s = 0; s < rule.slots().size(); s++) {
                      double a = kept(rule, format, expected.state, s, i);
                      double b = kept(rule, format, ours.state, s, i);
                      numbers++;
                      others += a == b ? 0 : 1;
                      boolean isNear =
                          units(format, rule.isNonNegative(s), a, b) < 1.01
                              // What is left of a mean whose terms cancel.
                              || Math.abs(a - b) < 1e-6 * (Math.abs(g) + Math.abs(p));
                      if (!isNear) {
                        fail(
                            "%s: state %d of %d: %s and %s, step %d g %s"
                                .formatted(what, s, i, a, b, step, g));
                      }
                    }
                  }
                }
              }
            }
          }
        }
      }
    }
    TestBackends.close(backends);
    assertTrue(numbers > 500_000, "compared " + numbers);
    assertTrue(others < numbers / 1000, others + " of " + numbers + " are another code");
  }

  @Test
  void splitRanges() {
    SplittableRandom random = new SplittableRandom(2);
    List<Backend> backends = TestBackends.host(1);
    for (StateFormat format : FORMATS) {
      for (UpdateRule rule : rules(format)) {
        for (StepKernel kernel :
            StepConformanceTest.different(backends, rule, DType.F32, format).values()) {
          splitRanges(kernel, rule, format, random);
        }
      }
    }
    TestBackends.close(backends);
  }

  private static void splitRanges(
      StepKernel kernel, UpdateRule rule, StateFormat format, SplittableRandom random) {
    try (Sentinels memory = new Sentinels()) {
      Operands whole = new Operands(memory, rule, format, 2048, 0);
      randomize(whole.p, random);
      randomize(whole.g, random);
      Operands parts = new Operands(memory, rule, format, 2048, 0);
      parts.copyFrom(whole);
      StepCoefficients c =
          StepConformanceTest.coefficients(rule, DType.F32, StepConformanceTest.Options.CLIPPED);
      kernel.apply(whole.p, whole.g, whole.state, 0, 2048, c);
      kernel.apply(parts.p, parts.g, parts.state, 0, 1000, c);
      kernel.apply(parts.p, parts.g, parts.state, 1000, 1048, c);
      assertArrayEquals(whole.p.toArray(), parts.p.toArray());
      for (int s = 0; s < rule.slots().size(); s++) {
        for (long i = 0; i < 2048; i++) {
          double a = kept(rule, format, whole.state, s, i);
          double b = kept(rule, format, parts.state, s, i);
          boolean shared = i / StateFormat.BLOCK == 1000 / StateFormat.BLOCK;
          assertTrue(
              a == b || (shared && units(format, rule.isNonNegative(s), a, b) < 2.01),
              () -> format + " " + rule + ": " + a + " and " + b);
        }
      }
    }
  }

  /** A gradient that is not finite spoils its block and nothing else; one that is 0, nothing. */
  @Test
  void notFinite() {
    UpdateRule rule = RmsProp.of(0.1).withMomentum(0.9);
    for (Backend backend : TestBackends.host(1)) {
      for (StateFormat format : FORMATS) {
        for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
          try (TensorArena arena = TensorArena.open("not finite")) {
            Parameters p = Parameters.layout().add("p", 1024).allocate(arena, "p", DType.F32);
            Optimizer optimizer = Optimizer.of(rule).state(format).build(p, backend, arena);
            Tensor g = p.like(arena, "g").flat().fill(1);
            g.set(300, bad);
            g.set(301, 0);
            optimizer.step(g);
            optimizer.step(g);
            assertTrue(Double.isNaN(p.flat().get(300)));
            assertEquals(0, p.flat().get(301));
            boolean isSpoilt = format == StateFormat.INT8_BLOCKWISE;
            assertEquals(isSpoilt, Double.isNaN(p.flat().get(302)), format + " " + bad);
            assertTrue(p.flat().get(255) < 0);
            assertTrue(p.flat().get(512) < 0);
          }
        }
      }
      backend.close();
    }
  }

  @Test
  void refusals() {
    try (Backend backend = TestBackends.mirrored("scalar", 1);
        TensorArena arena = TensorArena.open("refusals")) {
      Parameters f32 = Parameters.layout().add("p", 5).allocate(arena, "p", DType.F32);
      Parameters f64 = Parameters.layout().add("p", 5).allocate(arena, "p", DType.F64);
      for (StateFormat format : FORMATS) {
        Optimizer.Builder plain = Optimizer.of(RmsProp.of(0.1)).state(format);
        refused(() -> plain.build(f64, backend, arena), format.name(), "F32", "F64");
        Optimizer.Builder centered = Optimizer.of(RmsProp.of(0.1).withCentering()).state(format);
        refused(() -> centered.build(f32, backend, arena), format.name(), "centring", "rmsprop");
        Optimizer optimizer = plain.copy().build(f32, backend, arena);
        assertEquals(format, optimizer.stateFormat());
        assertTrue(optimizer.toString().contains(format.name()));
      }
    }
    for (Backend backend : TestBackends.open(1)) {
      try (TensorArena arena = TensorArena.open("refusals")) {
        if (!backend.usesHostMemory()) {
          Parameters.Layout layout = Parameters.layout().add("p", 16);
          Tensor flat = backend.allocate(arena, "p", DType.F32, Shape.of(layout.count(DType.F32)));
          Optimizer.Builder options = Optimizer.of(RmsProp.of(0.1)).state(StateFormat.BF16);
          refused(
              () -> options.build(layout.over(flat), backend, arena),
              backend.name(),
              "[SAME]",
              "BF16");
        }
      }
      backend.close();
    }
  }

  private static void refused(Runnable build, String... parts) {
    IllegalArgumentException e = assertThrows(IllegalArgumentException.class, build::run);
    for (String part : parts) {
      assertTrue(e.getMessage().contains(part), part + " in: " + e.getMessage());
    }
  }
}
