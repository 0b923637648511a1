package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Columns of a service are found by the names of the model. */
class FeatureOrderTest {
  private static final List<String> FEATURES = List.of("age", "bmi", "bp");

  @Test
  void featuresAreFoundAmongOtherColumns() {
    FeatureOrder order = FeatureOrder.of(FEATURES, List.of("id", "bp", "age", "id", "bmi"));
    double[] row = new double[3];
    order.arrange(new double[] {1, 2, 3, 4, 5}, row);
    assertArrayEquals(new double[] {3, 5, 2}, row);
    assertEquals(4, order.column(1));
  }

  private static String refusal(List<String> features, List<String> columns) {
    return assertThrows(ModelMismatchException.class, () -> FeatureOrder.of(features, columns))
        .getMessage();
  }

  @Test
  void missingAndDoubleColumnsAreNamed() {
    assertEquals(
        "2 of the model's 3 features are not among the 2 columns: 'age', 'bp'",
        refusal(FEATURES, List.of("bmi", "Age")));
    assertEquals(
        "feature 'bp' is in columns 1 and 4: which one is meant must be said by another name",
        refusal(FEATURES, List.of("bp", "age", "bmi", "bp")));
    List<String> many = IntStream.range(0, 12).mapToObj(i -> "f" + i).toList();
    assertEquals(
        "12 of the model's 12 features are not among the 0 columns:"
            + " 'f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6', 'f7', 'f8', 'f9', ...",
        refusal(many, List.of()));
  }

  @Test
  void rowsThatDoNotFitAreRefused() {
    FeatureOrder order = FeatureOrder.of(FEATURES, List.of("bp", "bmi", "age"));
    assertEquals(
        "a row of 3 columns and one of 3 features are needed, found 2 and 3",
        assertThrows(
                IllegalArgumentException.class, () -> order.arrange(new double[2], new double[3]))
            .getMessage());
    double[] same = {1, 2, 3};
    assertThrows(IllegalArgumentException.class, () -> order.arrange(same, same));
    assertArrayEquals(new double[] {1, 2, 3}, same);
  }

  @Test
  void numbersOfFeaturesAreChecked() {
    FeatureOrder order = FeatureOrder.of(FEATURES, List.of("bp", "bmi", "age"));
    Exception e = assertThrows(IndexOutOfBoundsException.class, () -> order.column(9));
    assertEquals("the order has 3 features: there is no feature 9", e.getMessage());
  }
}
