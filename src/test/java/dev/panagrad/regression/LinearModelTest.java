package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Poisson;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

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

  @Test
  void modelsAreEqualByValue() {
    LinearModel model = model(new double[][] {{1, 2}, {3, 4}}, new double[] {5, 6});
    LinearModel same = model(new double[][] {{1, 2}, {3, 4}}, new double[] {5, 6});
    assertEquals(model, same);
    assertEquals(model.hashCode(), same.hashCode());
    assertNotEquals(model, model(new double[][] {{1, 2}, {3, 4}}, new double[] {5, 7}));
    assertNotEquals(model, model(new double[][] {{1, 2}, {-3, 4}}, new double[] {5, 6}));
    assertNotEquals(model, same.withLoss(new Logistic()));
    assertNotEquals(model, same.withOffset(true));
    assertEquals("linear model of 2 features, targets y, z, loss squared", model.toString());
  }

  @Test
  void logOddsAreNoProbability() {
    LinearModel odds =
        model(new double[][] {{1, 2}, {3, 4}}, new double[] {0, 0}).withLoss(new Logistic());
    double[] row = {1, 0.5};
    assertEquals(2.0, odds.score(row, 0), 0.0);
    assertEquals(1 / (1 + Math.exp(-2)), odds.probability(row, 0), 1e-15);
    IllegalStateException e =
        assertThrows(
            IllegalStateException.class, () -> odds.withLoss(new Poisson()).probability(row, 0));
    assertEquals(
        "a model of loss 'poisson' has no probabilities: response() is what it expects of the target",
        e.getMessage());
  }

  @Test
  void offsetsAreAskedFor() {
    LinearModel counts =
        model(new double[][] {{1, 2}, {3, 4}}, new double[] {0, 0})
            .withLoss(new Poisson())
            .withOffset(true);
    double[] row = {1, 0.5};
    assertEquals(2.5, counts.predict(row, 0, 0.5), 0.0);
    assertEquals(Math.exp(2.5), counts.response(row, 0, 0.5), 0.0);
    for (Executable call :
        List.<Executable>of(
            () -> counts.predict(row, 0),
            () -> counts.score(row, 0),
            () -> counts.response(row, 0),
            () -> counts.predict(row, new double[2]),
            () -> counts.response(row, new double[2]))) {
      IllegalStateException e = assertThrows(IllegalStateException.class, call);
      assertTrue(e.getMessage().contains("response(row, target, offset)"), e::getMessage);
    }
    assertEquals(2.0, counts.withOffset(false).predict(row, 0), 0.0);
  }
}
