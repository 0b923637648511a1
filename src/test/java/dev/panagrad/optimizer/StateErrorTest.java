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
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.EnumMap;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.DoubleBinaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The errors of kept means that the documentation of {@link StateFormat} states. */
class StateErrorTest {
  private static final int PARAMETERS = 1024;
  private static final long SEED = 7;

  /**
   * The last step of each parameter after so many gradients, for each of the formats.
   *
   * @param gradient made of the number of the step, from 1, and standard normal noise
   */
  private static Map<StateFormat, double[]> lastSteps(
      UpdateRule rule, int steps, DoubleBinaryOperator gradient, StateFormat... formats) {
    try (Backend backend = Backends.open("simd", new BackendOptions(1));
        TensorArena arena = TensorArena.open("state")) {
      Parameters g =
          Parameters.layout().add("p", PARAMETERS).allocate(arena, "gradient", DType.F32);
      Map<StateFormat, Optimizer> optimizers = new EnumMap<>(StateFormat.class);
      for (StateFormat format : formats) {
        Parameters p = g.like(arena, format.toString());
        optimizers.put(format, Optimizer.of(rule).state(format).build(p, backend, arena));
      }
      SplittableRandom random = new SplittableRandom(SEED);
      MemorySegment values = g.flat().segment();
      for (int step = 0; step < steps; step++) {
        for (int i = 0; i < PARAMETERS; i++) {
          double value = gradient.applyAsDouble(step + 1, random.nextGaussian());
          values.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) value);
        }
        boolean isLast = step == steps - 1;
        for (Optimizer optimizer : optimizers.values()) {
          if (isLast) {
            optimizer.parameters().flat().fill(0);
          }
          optimizer.step(g);
        }
      }
      Map<StateFormat, double[]> last = new EnumMap<>(StateFormat.class);
      optimizers.forEach((format, o) -> last.put(format, o.parameters().flat().toArray()));
      return last;
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
  @CsvSource({
    "BF16, 0.9, 0.005",
    "BF16, 0.99, 0.016",
    "INT8_BLOCKWISE, 0.9, 0.16",
    "INT8_BLOCKWISE, 0.99, 0.54"
  })
  void meanOfGradients(StateFormat format, double momentum, double documented) {
    UpdateRule rule = Sgd.of(1).withMomentum(momentum);
    Map<StateFormat, double[]> last =
        lastSteps(rule, 1500, (step, noise) -> noise, StateFormat.SAME, format);
    double[] exact = last.get(StateFormat.SAME);
    double[] error = last.get(format);
    for (int i = 0; i < error.length; i++) {
      error[i] -= exact[i];
    }
    assertEquals(documented, rms(error) / rms(exact), 0.1 * documented);
  }

  /**
   * Lion's steps in noise with a mean of a tenth of it: the signs that rounding turns around, and
   * how fast the mean is followed, relative to exact state.
   */
  @ParameterizedTest
  @CsvSource({"BF16, 0.003, 0.001, 1", "INT8_BLOCKWISE, 0.07, 0.012, 0.93"})
  void signsOfLion(StateFormat format, double documented, double tolerance, double speed) {
    UpdateRule rule = Lion.of(1);
    double turned = 0;
    double exactSum = 0;
    double roundedSum = 0;
    int runs = 8;
    for (int run = 0; run < runs; run++) {
      int steps = 600 + 100 * run;
      Map<StateFormat, double[]> last =
          lastSteps(rule, steps, (step, noise) -> 0.1 + noise, StateFormat.SAME, format);
      double[] exact = last.get(StateFormat.SAME);
      double[] rounded = last.get(format);
      for (int i = 0; i < exact.length; i++) {
        turned += exact[i] == rounded[i] ? 0 : 1;
        exactSum += exact[i];
        roundedSum += rounded[i];
      }
    }
    assertEquals(documented, turned / (runs * PARAMETERS), tolerance);
    assertEquals(speed, roundedSum / exactSum, 0.02);
  }

  /**
   * Errors of the root of Adagrad's sum, by the length of the last step: they grow with the sum up
   * to the documented 2.7% and 11%, and not with the number of steps where it does not. The
   * gradients' deviation is {@code step^-decay}, the decay 0 or 1; with 1 the sum converges.
   */
  @ParameterizedTest
  @CsvSource({
    "100, 0, 0.0068, 0.083",
    "1000, 0, 0.016, 0.098",
    "300, 1, 0.0077, 0.056",
    "3000, 1, 0.0077, 0.056"
  })
  void rootOfSum(int steps, double decay, double bf16, double block8) {
    DoubleBinaryOperator gradient = (step, noise) -> noise * (decay == 0 ? 1 : 1 / step);
    Map<StateFormat, double[]> last =
        lastSteps(Adagrad.of(1), steps, gradient, StateFormat.values());
    double[] exact = last.get(StateFormat.SAME);
    rootError(exact, last.get(StateFormat.BF16), bf16);
    rootError(exact, last.get(StateFormat.INT8_BLOCKWISE), block8);
  }

  /** The largest errors, after a long time. */
  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void rootOfSumAfterManySteps() {
    rootOfSum(20_000, 0, 0.027, 0.107);
  }

  private static void rootError(double[] exact, double[] rounded, double expected) {
    double[] error = new double[exact.length];
    for (int i = 0; i < error.length; i++) {
      error[i] = exact[i] / rounded[i] - 1;
    }
    assertEquals(expected, rms(error), 0.15 * expected);
  }

  @Test
  @EnabledIfSystemProperty(named = "panagrad.test.slow", matches = "true")
  void amsgradsLargestMeanGrowsWithRoundings() {
    UpdateRule rule = Adam.of(1).withAmsgrad();
    Map<StateFormat, double[]> last =
        lastSteps(rule, 30_000, (step, noise) -> noise, StateFormat.SAME, StateFormat.BF16);
    double exact = rms(last.get(StateFormat.SAME));
    assertEquals(0.97, rms(last.get(StateFormat.BF16)) / exact, 0.005);
  }
}
