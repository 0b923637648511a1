package dev.panagrad.conformance;

import static dev.panagrad.conformance.AllocationTest.allocatesNothing;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Once warm, steps of optimizers allocate nothing on the heap. */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
@Tag("alone")
@Order(1)
class StepAllocationTest {
  private static final boolean IS_SLOW = Boolean.getBoolean("panagrad.test.slow");

  @Test
  void steps() {
    List<UpdateRule> rules =
        List.of(
            new GradientDescent(1e-3),
            Sgd.of(1e-3).withMomentum(0.9),
            Adam.of(1e-3),
            Adam.adamW(1e-3).withAmsgrad(),
            RmsProp.of(1e-3).withCentering().withMomentum(0.9));
    try (Backend backend = Backends.open("simd", new BackendOptions(2))) {
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        for (UpdateRule rule : rules) {
          for (long count : new long[] {1, 17, 1000, 100_000}) {
            try (TensorArena arena = TensorArena.open("allocation")) {
              Parameters p = Parameters.layout().add("p", count).allocate(arena, "p", dtype);
              Tensor g = p.like(arena, "g").flat().fill(0.25);
              Optimizer optimizer = Optimizer.of(rule).clipNorm(1).build(p, backend, arena);
              allocatesNothing(rule + " " + dtype + " " + count, () -> optimizer.step(g));
            }
          }
        }
      }
    }
  }

  /** Rules that no backend has a kernel for, with state in all formats. */
  @Test
  @Tag("widest")
  void stepsByTheDefinition() {
    List<UpdateRule> rules =
        List.of(
            Lion.of(1e-3),
            NAdam.of(1e-3),
            NAdam.of(1e-3).withBetas(0.999, 0.9).withMomentumDecay(10),
            Adagrad.of(1e-3));
    List<String> names = TestBackends.hostNames();
    for (String name : names) {
      try (Backend backend = Backends.open(name, new BackendOptions(2))) {
        for (StateFormat format : StateFormat.values()) {
          for (UpdateRule rule : rules) {
            // The same code on every backend: all of it on one where time is short.
            if (!name.equals(names.getFirst()) && format != StateFormat.SAME && !IS_SLOW) {
              continue;
            }
            for (long count : new long[] {1, 300}) {
              try (TensorArena arena = TensorArena.open("allocation")) {
                Parameters p =
                    Parameters.layout()
                        .add("p", count)
                        .addExempt("q", 1)
                        .allocate(arena, "p", DType.F32);
                Tensor g = p.like(arena, "g").flat().fill(0.25);
                Optimizer optimizer =
                    Optimizer.of(rule)
                        .state(format)
                        .penalty(Penalty.l2(1e-3))
                        .clipNorm(1)
                        .build(p, backend, arena);
                String what = "%s %s %s %d".formatted(name, format, rule, count);
                allocatesNothing(what, () -> optimizer.step(g));
              }
            }
          }
        }
      }
    }
  }

  @Test
  void stepsWithCompactState() {
    List<UpdateRule> rules =
        List.of(
            Sgd.of(1e-3).withMomentum(0.9),
            Adam.adamW(1e-3),
            Adam.adamW(1e-3).withAmsgrad(),
            RmsProp.of(1e-3).withMomentum(0.9));
    try (Backend backend = Backends.open("simd", new BackendOptions(2))) {
      for (StateFormat format : List.of(StateFormat.BF16, StateFormat.INT8_BLOCKWISE)) {
        for (UpdateRule rule : rules) {
          if (rule.unsupportedReason(format).isPresent()) {
            continue;
          }
          for (long count : new long[] {17, 1000, 100_000}) {
            try (TensorArena arena = TensorArena.open("allocation")) {
              Parameters p = Parameters.layout().add("p", count).allocate(arena, "p", DType.F32);
              Tensor g = p.like(arena, "g").flat().fill(0.25);
              Optimizer optimizer =
                  Optimizer.of(rule)
                      .state(format)
                      .penalty(new Penalty(1e-3, 1e-3))
                      .build(p, backend, arena);
              allocatesNothing(format + " " + rule + " " + count, () -> optimizer.step(g));
            }
          }
        }
      }
    }
  }
}
