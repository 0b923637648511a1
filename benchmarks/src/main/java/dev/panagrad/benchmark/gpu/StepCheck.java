package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Optional;

/** Compares parameters after some steps from zero state with those by the scalar definition. */
final class StepCheck {
  /** Four units in the last place of F32 for each of a few steps. */
  private static final double TOLERANCE = 2e-6;

  private StepCheck() {}

  /** All tensors in host memory; their padding, if they have any, is not looked at. */
  static Optional<String> disagreement(
      UpdateRule rule, Tensor start, Tensor gradient, int steps, Tensor found) {
    try (TensorArena memory = TensorArena.open("check");
        Backend scalar = Backends.open("scalar", BackendOptions.defaults())) {
      Parameters.Layout layout = Parameters.layout().add("p", start.count());
      Parameters p = layout.allocate(memory, "p", DType.F32);
      Parameters g = layout.allocate(memory, "g", DType.F32);
      p.view("p").copyFrom(start);
      g.view("p").copyFrom(gradient);
      Optimizer optimizer = Optimizer.of(rule).build(p, scalar, memory);
      for (int i = 0; i < steps; i++) {
        optimizer.step(g);
      }
      for (long i = 0; i < start.count(); i++) {
        double expected = p.view("p").get(i);
        double largest = Math.max(Math.abs(start.get(i)), Math.abs(expected));
        double moved = Math.abs(expected - start.get(i));
        // Negated, so that NaN is a disagreement.
        if (!(Math.abs(found.get(i) - expected) <= TOLERANCE * Math.max(largest, moved))) {
          return Optional.of(
              "parameter %d is %.9g, expected %.9g".formatted(i, found.get(i), expected));
        }
      }
      return Optional.empty();
    }
  }
}
