package dev.panagrad.rule;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every hyper-parameter is checked at construction; the message has its name, range and value. */
class HyperParametersTest {
  private static final double NAN = Double.NaN;
  private static final double INFINITY = Double.POSITIVE_INFINITY;

  /** Builds a rule from the number under test. */
  @FunctionalInterface
  interface Construction {
    Object of(double value);
  }

  private static Stream<Arguments> hyperParameters() {
    return Stream.of(
        positive("learning rate", GradientDescent::new),
        positive("learning rate", Sgd::of),
        positive("learning rate", Adam::of),
        positive("learning rate", Adam::adamW),
        positive("learning rate", RmsProp::of),
        positive("learning rate", NAdam::of),
        positive("learning rate", Adagrad::of),
        positive("learning rate", Lion::of),
        positive("epsilon", v -> NAdam.of(1).withEpsilon(v)),
        positive("epsilon", v -> Adagrad.of(1).withEpsilon(v)),
        fraction("beta1", v -> NAdam.of(1).withBetas(v, 0.5)),
        fraction("beta2", v -> NAdam.of(1).withBetas(0.5, v)),
        fraction("beta1", v -> Lion.of(1).withBetas(v, 0.5)),
        fraction("beta2", v -> Lion.of(1).withBetas(0.5, v)),
        notNegative("momentum decay", v -> NAdam.of(1).withMomentumDecay(v)),
        notNegative("rate decay", v -> Adagrad.of(1).withRateDecay(v)),
        notNegative("initial accumulator", v -> Adagrad.of(1).withInitialAccumulator(v)),
        notNegative("weight decay", v -> NAdam.of(1).withWeightDecay(v)),
        notNegative("weight decay", v -> NAdam.of(1).withDecoupledWeightDecay(v)),
        notNegative("weight decay", v -> Adagrad.of(1).withWeightDecay(v)),
        notNegative("weight decay", v -> Lion.of(1).withWeightDecay(v)),
        positive("epsilon", v -> Adam.of(1).withEpsilon(v)),
        positive("epsilon", v -> RmsProp.of(1).withEpsilon(v)),
        fraction("beta1", v -> Adam.of(1).withBetas(v, 0.5)),
        fraction("beta2", v -> Adam.of(1).withBetas(0.5, v)),
        fraction("alpha", v -> RmsProp.of(1).withAlpha(v)),
        fraction("momentum", v -> RmsProp.of(1).withMomentum(v)),
        fraction("momentum", v -> Sgd.of(1).withMomentum(v)),
        notNegative("weight decay", v -> Sgd.of(1).withWeightDecay(v)),
        notNegative("weight decay", v -> Adam.of(1).withWeightDecay(v)),
        notNegative("weight decay", v -> RmsProp.of(1).withWeightDecay(v)));
  }

  private static Arguments positive(String name, Construction construction) {
    double[] good = {Double.MIN_VALUE, 1, Double.MAX_VALUE};
    double[] bad = {0, -0.0, -1e-300, -1, NAN, INFINITY, -INFINITY};
    return Arguments.of(name, "(0, infinity)", construction, good, bad);
  }

  private static Arguments fraction(String name, Construction construction) {
    double[] good = {0, 0.9, Math.nextDown(1.0)};
    double[] bad = {1, 1.5, -1e-300, NAN, INFINITY};
    return Arguments.of(name, "[0, 1)", construction, good, bad);
  }

  private static Arguments notNegative(String name, Construction construction) {
    double[] good = {0, 0.1, 1e10};
    double[] bad = {-1e-300, NAN, INFINITY};
    return Arguments.of(name, "[0, infinity)", construction, good, bad);
  }

  @ParameterizedTest(name = "{0} {index}")
  @MethodSource("hyperParameters")
  void isChecked(
      String name, String range, Construction construction, double[] good, double[] bad) {
    DoubleStream.of(good).forEach(v -> assertDoesNotThrow(() -> construction.of(v)));
    for (double value : bad) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> construction.of(value)).getMessage();
      assertTrue(
          message.contains(name) && message.contains(range) && message.contains("" + value),
          message);
    }
  }
}
