package dev.panagrad.optimizer;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.TensorArena;
import java.util.SplittableRandom;
import java.util.function.IntToDoubleFunction;
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
    return lastStep(rule, format, steps, step -> 1);
  }

  /** The same with noise of a standard deviation that depends on the step, from 0. */
  private static double[] lastStep(
      UpdateRule rule, StateFormat format, int steps, IntToDoubleFunction deviation) {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open(format.toString())) {
      Parameters p = Parameters.layout().add("p", PARAMETERS).allocate(arena, "p", DType.F32);
      Parameters g = p.like(arena, "g");
      Optimizer optimizer = Optimizer.of(rule).state(format).build(p, backend, arena);
      SplittableRandom random = new SplittableRandom(SEED);
      for (int step = 0; step < steps; step++) {
        for (int i = 0; i < PARAMETERS; i++) {
          g.flat().set(i, deviation.applyAsDouble(step) * random.nextGaussian());
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

  /**
   * Signs of Lion's steps that rounding turns around, in noise without a mean: the angle between
   * the step with rounding and that without, over pi.
   */
  @ParameterizedTest
  @CsvSource({"BF16, 0.003, 0.002", "BLOCK8, 0.09, 0.02"})
  void signsOfLion(StateFormat format, double documented, double tolerance) {
    UpdateRule rule = Lion.of(1);
    int turned = 0;
    int signs = 0;
    for (int steps = 1000; steps < 1008; steps++) {
      double[] exact = lastStep(rule, StateFormat.SAME, steps);
      double[] rounded = lastStep(rule, format, steps);
      for (int i = 0; i < exact.length; i++) {
        turned += exact[i] == rounded[i] ? 0 : 1;
        signs++;
      }
    }
    assertEquals(documented, turned / (double) signs, tolerance);
  }

  /**
   * Errors of the root of Adagrad's sum, by the length of the last step: they do not grow with the
   * number of steps, nor where increments become ever smaller.
   */
  @ParameterizedTest
  @CsvSource({
    "BF16, 100, 0, 0.026",
    "BF16, 1000, 0, 0.026",
    "BF16, 10000, 0, 0.026",
    "BF16, 3000, 0.5, 0.026",
    "BF16, 3000, 1, 0.026",
    "BLOCK8, 100, 0, 0.11",
    "BLOCK8, 1000, 0, 0.11",
    "BLOCK8, 10000, 0, 0.11",
    "BLOCK8, 3000, 0.5, 0.11",
    "BLOCK8, 3000, 1, 0.11",
  })
  void rootOfSum(StateFormat format, int steps, double decay, double documented) {
    IntToDoubleFunction deviation = step -> Math.pow(step + 1, -decay);
    double[] exact = lastStep(Adagrad.of(1), StateFormat.SAME, steps, deviation);
    double[] rounded = lastStep(Adagrad.of(1), format, steps, deviation);
    double[] error = new double[exact.length];
    double mean = 0;
    for (int i = 0; i < error.length; i++) {
      error[i] = exact[i] / rounded[i] - 1;
      mean += error[i] / error.length;
    }
    System.out.println(format + " " + steps + " " + decay + " rms " + rms(error) + " mean " + mean);
    assertEquals(documented, rms(error), 0.15 * documented);
  }

  @Test
  void amsgradsLargestMeanGrowsWithRoundings() {
    UpdateRule rule = Adam.of(1).withAmsgrad();
    double[] exact = lastStep(rule, StateFormat.SAME, 30_000);
    double[] rounded = lastStep(rule, StateFormat.BF16, 30_000);
    assertEquals(0.97, rms(rounded) / rms(exact), 0.005);
  }
}
