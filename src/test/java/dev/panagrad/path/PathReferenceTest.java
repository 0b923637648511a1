package dev.panagrad.path;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Paths on the diabetes data, as scikit-learn and closed forms give them. */
@Tag("first")
class PathReferenceTest {
  /** Of standardized coefficients, up to 40 in size; errors are up to 6,000. */
  private static final double NEAR = 1e-9;

  private static JsonNode references;

  @BeforeAll
  static void read() throws IOException {
    try (InputStream in = PathReferenceTest.class.getResourceAsStream("/references/paths.json")) {
      references = new ObjectMapper().readTree(in);
    }
  }

  private static double[] numbers(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false)
        .mapToDouble(JsonNode::doubleValue)
        .toArray();
  }

  private static double[] times(double[] values, double factor) {
    double[] scaled = values.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] *= factor;
    }
    return scaled;
  }

  @ParameterizedTest
  @CsvSource({"0, L1, scalar", "0, L1, simd", "1, ELASTIC, simd", "2, L2, scalar", "2, L2, simd"})
  void isTheReference(int at, PathPenalty kind, String name) {
    JsonNode expected = references.get("paths").get(at);
    double[] values =
        switch (kind) {
          case L1 -> numbers(expected.get("l1"));
          case ELASTIC -> times(numbers(expected.get("l1")), 2);
          case L2 -> numbers(expected.get("l2"));
        };
    try (Backend backend = Backends.open(name, BackendOptions.defaults());
        TensorArena arena = TensorArena.open("data")) {
      Dataset data = Datasets.resource(arena, DType.F64, "diabetes", "progression");
      PathResult result = RegularizationPath.of(kind).at(values).inOrder().fit(data, backend);
      compare(expected, result);
    }
  }

  private static void compare(JsonNode expected, PathResult result) {
    double[] deviation = numbers(references.get("std"));
    double[] mean = numbers(references.get("mean"));
    for (int i = 0; i < result.values().length; i++) {
      double[] standardized = result.coefficients()[i].clone();
      double atMean = result.intercepts()[i];
      for (int j = 0; j < standardized.length; j++) {
        atMean += standardized[j] * mean[j];
        standardized[j] *= deviation[j];
      }
      assertArrayEquals(
          numbers(expected.get("coefficients").get(i)), standardized, NEAR, "value " + i);
      assertEquals(references.get("target_mean").doubleValue(), atMean, NEAR);
      assertArrayEquals(
          numbers(expected.get("validation_mse").get(i)), result.foldMse()[i], 1e3 * NEAR);
      // At the largest value a coefficient may be a few ulps instead of zero.
      assertEquals(
          expected.get("nonzero").get(i).intValue(),
          result.nonzero(i),
          i == 0 ? 1 : 0,
          "value " + i);
      double objective = result.trainingMse()[i];
      for (double w : standardized) {
        objective += result.penalty(i).l1() * Math.abs(w) + result.penalty(i).l2() * w * w;
      }
      assertEquals(expected.get("objective").get(i).doubleValue(), objective, 1e3 * NEAR);
    }
    assertArrayEquals(
        numbers(expected.get("mean_validation_mse")), result.validationMse(), 1e3 * NEAR);
    assertEquals(expected.get("chosen_index").intValue(), result.chosenIndex());
    assertEquals(
        expected.get("chosen_l1").doubleValue(), result.penalty(result.chosenIndex()).l1(), 1e-12);
    assertEquals(0, result.unconverged());
    assertEquals(3, result.passes());
  }
}
