package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.Schedule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * One optimizer with groups moves each parameter, to the last bit, as an optimizer does that has it
 * alone and the group's options for its own.
 */
@Tag("simd")
class ParameterGroupTest {
  private static final int STEPS = 5;
  private static final List<String> NAMES = List.of("a.weight", "b.weight", "a.bias", "c");

  private static final List<ParameterGroup> GROUPS =
      List.of(
          ParameterGroup.of("a.*").rateFactor(0.1).weightDecay(0.3),
          ParameterGroup.of("?").penalty(new Penalty(0.02, 0.01)),
          ParameterGroup.of("*").rateFactor(2));

  private static final List<UpdateRule> RULES =
      List.of(
          Sgd.of(0.05).withMomentum(0.9),
          new Sgd(0.05, 0, 0, false, 0.1),
          Adam.of(0.05),
          Adam.adamW(0.05),
          RmsProp.of(0.02));

  private static Parameters.Layout add(Parameters.Layout layout, String name) {
    return name.endsWith("bias") ? layout.addExempt(name, 5) : layout.add(name, 3, 19);
  }

  private static Map<String, double[]> run(
      Backend backend, DType dtype, List<String> names, Optimizer.Builder options) {
    Map<String, double[]> seen = new LinkedHashMap<>();
    try (TensorArena arena = TensorArena.open("groups")) {
      Parameters.Layout layout = Parameters.layout();
      names.forEach(name -> add(layout, name));
      Parameters host = layout.allocate(arena, "host", dtype);
      Parameters parameters =
          layout.over(backend.allocate(arena, "p", dtype, Shape.of(layout.count(dtype))));
      Optimizer optimizer = options.build(parameters, backend, arena);
      for (int step = 0; step < STEPS; step++) {
        for (String name : names) {
          Random random = new Random(name.hashCode() + step);
          Tensor view = host.view(name);
          for (long i = 0; i < view.count(); i++) {
            view.set(i / view.cols(), i % view.cols(), random.nextGaussian());
          }
        }
        optimizer.step(backend.place(arena, host.flat()));
      }
      backend.copy(parameters.flat(), host.flat());
      for (String name : names) {
        seen.put(name, host.view(name).toArray());
      }
    }
    return seen;
  }

  /** What a group says, said by rule, schedule and penalty instead. */
  private static Optimizer.Builder alone(UpdateRule rule, ParameterGroup group, Penalty penalty) {
    double decay = Double.isNaN(group.weightDecay()) ? rule.weightDecay() : group.weightDecay();
    UpdateRule own =
        switch (rule) {
          case Sgd s -> new Sgd(s.learningRate(), s.momentum(), 0, false, decay);
          case Adam a ->
              new Adam(
                  a.learningRate(), a.beta1(), a.beta2(), a.epsilon(), decay, a.decoupled(), false);
          case RmsProp r -> new RmsProp(r.learningRate(), r.alpha(), r.epsilon(), 0, false, decay);
          default -> throw new AssertionError(rule);
        };
    Schedule schedule = Schedule.exponential(0.9);
    return Optimizer.of(own)
        .schedule((step, rate) -> schedule.rate(step, rate) * group.rateFactor())
        .penalty(group.penalty() == null ? penalty : group.penalty());
  }

  @Test
  void likeOptimizersOfTheirOwn() {
    Penalty penalty = Penalty.l2(0.03);
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (UpdateRule rule : RULES) {
          Optimizer.Builder grouped =
              Optimizer.of(rule).schedule(Schedule.exponential(0.9)).penalty(penalty);
          GROUPS.forEach(grouped::group);
          Map<String, double[]> together = run(backend, dtype, NAMES, grouped);
          for (String name : NAMES) {
            Optimizer.Builder own = alone(rule, grouped.groupOf(name), penalty);
            assertArrayEquals(
                run(backend, dtype, List.of(name), own).get(name),
                together.get(name),
                () -> backend.name() + " " + dtype + " " + rule + " " + name);
          }
        }
      }
    }
    TestBackends.close(backends);
  }

  /**
   * Compact state depends on gradients alone, and blocks of it reach over the borders of groups:
   * what one group does leaves the others' bits as they are.
   */
  @Test
  void compactState() {
    for (StateFormat format : List.of(StateFormat.BF16, StateFormat.INT8_BLOCKWISE)) {
      for (UpdateRule rule : List.of(Adam.of(0.05), RmsProp.of(0.02))) {
        try (Backend backend = TestBackends.mirrored("simd", 2)) {
          Map<String, double[]> plain =
              run(backend, DType.F32, NAMES, Optimizer.of(rule).state(format));
          Map<String, double[]> grouped =
              run(
                  backend,
                  DType.F32,
                  NAMES,
                  Optimizer.of(rule).state(format).group(ParameterGroup.of("a.*").rateFactor(0.5)));
          for (String name : NAMES) {
            String what = format + " " + rule + " " + name;
            double factor = name.startsWith("a.") ? 0.5 : 1;
            double[] expected = plain.get(name).clone();
            for (int i = 0; i < expected.length; i++) {
              expected[i] *= factor;
            }
            // Parameters begin at 0, and half of a sum is the sum of halves to the last bit.
            assertArrayEquals(expected, grouped.get(name), 0, what);
          }
        }
      }
    }
  }

  /** The bits of no groups at all. */
  @Test
  void aGroupThatDiffersInNothing() {
    try (Backend backend = TestBackends.mirrored("simd", 1)) {
      Optimizer.Builder plain = Optimizer.of(Adam.adamW(0.1)).penalty(Penalty.l1(0.01)).clipNorm(1);
      Map<String, double[]> expected = run(backend, DType.F32, NAMES, plain);
      Map<String, double[]> found =
          run(backend, DType.F32, NAMES, plain.copy().group(ParameterGroup.of("*weight")));
      for (String name : NAMES) {
        assertArrayEquals(expected.get(name), found.get(name), name);
      }
    }
  }

  @Test
  void frozen() {
    try (Backend backend = TestBackends.mirrored("simd", 1)) {
      Map<String, double[]> seen =
          run(
              backend,
              DType.F64,
              NAMES,
              Optimizer.of(Adam.adamW(0.1)).group(ParameterGroup.of("a*").rateFactor(0)));
      assertArrayEquals(new double[57], seen.get("a.weight"));
      assertFalse(seen.get("c")[0] == 0);
    }
  }

  @Test
  void refusals() {
    try (Backend backend = TestBackends.mirrored("simd", 1)) {
      Exception e =
          assertThrows(
              IllegalArgumentException.class,
              () ->
                  run(
                      backend,
                      DType.F32,
                      NAMES,
                      Optimizer.of(Sgd.of(1)).group(ParameterGroup.of("weight*"))));
      assertTrue(e.getMessage().contains("matches none"), e.getMessage());
      assertTrue(e.getMessage().contains("b.weight"), e.getMessage());
    }
    for (double bad : new double[] {-1, Double.NaN, Double.POSITIVE_INFINITY}) {
      ParameterGroup group = ParameterGroup.of("w");
      assertThrows(IllegalArgumentException.class, () -> group.rateFactor(bad));
      assertThrows(IllegalArgumentException.class, () -> group.weightDecay(bad));
    }
    // What a regular expression would take for more than itself.
    assertFalse(ParameterGroup.of("a.b").matches("axb"));
    assertTrue(ParameterGroup.of("[*").matches("[weights"));
    assertEquals("a.*", GROUPS.getFirst().pattern());
  }
}
