package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.TensorArena;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The errors of kept means that the documentation of {@link StateFormat} states. */
@Tag("simd")
class StateErrorTest {
  private static final int PARAMETERS = 1024;
  private static final long SEED = 7;

  /** The last step of each parameter after so many gradients of standard normal noise. */
  private static double[] lastStep(UpdateRule rule, StateFormat format, int steps) {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open(format.toString())) {
      Parameters p = Parameters.layout().add("p", PARAMETERS).allocate(arena, "p", DType.F32);
      Parameters g = p.like(arena, "g");
      Optimizer optimizer = Optimizer.of(rule).state(format).build(p, backend, arena);
      SplittableRandom random = new SplittableRandom(SEED);
      for (int step = 0; step < steps; step++) {
        for (int i = 0; i < PARAMETERS; i++) {
          g.flat().set(i, random.nextGaussian());
        }
        if (step == steps - 1) {
          p.flat().fill(0);
        }
        optimizer.step(g);
      }
      return p.flat().toArray();
    }
  }

  private static double rms(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value * value;
    }
    return Math.sqrt(sum / values.length);
  }

  /** Relative to a velocity's size; a mean of gradients is a velocity times {@code 1 - beta1}. */
  @ParameterizedTest
  @CsvSource({"BF16, 0.9, 0.005", "BF16, 0.99, 0.016", "BLOCK8, 0.9, 0.16", "BLOCK8, 0.99, 0.54"})
  void meanOfGradients(StateFormat format, double momentum, double documented) {
    UpdateRule rule = Sgd.of(1).withMomentum(momentum);
    double[] exact = lastStep(rule, StateFormat.SAME, 1500);
    double[] error = lastStep(rule, format, 1500);
    for (int i = 0; i < error.length; i++) {
      error[i] -= exact[i];
    }
    assertEquals(documented, rms(error) / rms(exact), 0.1 * documented);
  }

  @Test
  void amsgradsLargestMeanGrowsWithRoundings() {
    UpdateRule rule = Adam.of(1).withAmsgrad();
    double[] exact = lastStep(rule, StateFormat.SAME, 30_000);
    double[] rounded = lastStep(rule, StateFormat.BF16, 30_000);
    assertEquals(0.97, rms(rounded) / rms(exact), 0.005);
  }
}
