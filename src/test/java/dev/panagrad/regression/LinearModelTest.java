package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Predictions of a fitted model, and that nobody can change it. */
@Tag("first")
class LinearModelTest {
  private static final List<String> FEATURES = List.of("a", "b");
  private static final List<String> TARGETS = List.of("y", "z");

  private static LinearModel model(double[][] coefficients, double[] intercepts) {
    return new LinearModel(FEATURES, TARGETS, coefficients, intercepts);
  }

  @Test
  void predict() {
    LinearModel model = model(new double[][] {{1, 2}, {-3, 4}}, new double[] {5, 6});
    assertEquals(5 + 10 + 200.0, model.predict(new double[] {10, 100}, 0), 0.0);
    assertEquals(6 - 30 + 400.0, model.predict(new double[] {10, 100}, 1), 0.0);
    assertThrows(IllegalArgumentException.class, () -> model.predict(new double[3], 0));
  }

  @Test
  void copiesWhatItIsGivenAndWhatItGives() {
    double[][] coefficients = {{1, 2}, {3, 4}};
    double[] intercepts = {5, 6};
    LinearModel model = model(coefficients, intercepts);
    coefficients[0][0] = 99;
    intercepts[0] = 99;
    model.coefficients()[0][0] = 99;
    model.intercepts()[0] = 99;
    assertEquals(1.0, model.coefficient(0, 0), 0.0);
    assertEquals(5.0, model.intercept(0), 0.0);
  }

  @Test
  void countsMustAgree() {
    assertThrows(
        IllegalArgumentException.class, () -> model(new double[][] {{1, 2}}, new double[] {5, 6}));
    assertThrows(
        IllegalArgumentException.class,
        () -> model(new double[][] {{1, 2}, {3, 4}}, new double[] {5}));
    assertThrows(
        IllegalArgumentException.class,
        () -> model(new double[][] {{1, 2}, {3}}, new double[] {5, 6}));
  }
}
