package dev.panagrad.encoding;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.EncodedTable;
import dev.panagrad.data.MissingCells;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableEncoder;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableReader;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/**
 * Coefficients are those of scikit-learn's OneHotEncoder, SimpleImputer and StandardScaler, which
 * {@code encoding/tables.py} in the test resources computes.
 */
class PipelinesTest {
  private static InputStream resource(String name) {
    return PipelinesTest.class.getResourceAsStream("/encoding/" + name);
  }

  private static void compare(
      String key,
      String target,
      List<String> excluded,
      UnaryOperator<TableEncoder> options,
      Loss loss,
      double l2)
      throws IOException {
    String file = key.split(" ", 2)[0] + ".csv";
    JsonNode expected;
    try (InputStream in = resource("coefficients.json")) {
      expected = new ObjectMapper().readTree(in).get(key);
    }
    try (Backend backend = Backends.open();
        TensorArena arena = TensorArena.open("pipeline");
        Table table = TableFile.csv(file, () -> resource(file))) {
      TableReader reader = TableReader.of(table).targets(List.of(target)).exclude(excluded);
      EncodedTable encoded = options.apply(TableEncoder.of(reader)).fit();
      Trainer trainer =
          loss instanceof Squared
              ? Trainer.with(new Exact(), new Penalty(0, l2))
              : Trainer.with(new Lbfgs(), new Penalty(0, l2)).loss(loss).epochs(10_000);
      LinearModel model =
          trainer
              .standardizeInPlace()
              .fit(TableReader.of(encoded).targets(List.of(target)).read(arena, DType.F64), backend)
              .model();
      JsonNode coefficients = expected.get("coefficients");
      assertEquals(coefficients.size(), model.features().size(), model.features().toString());
      for (int f = 0; f < model.features().size(); f++) {
        String feature = model.features().get(f);
        assertTrue(coefficients.has(feature), feature);
        double value = coefficients.get(feature).asDouble();
        assertEquals(value, model.coefficient(0, f), 1e-9 * Math.max(1, Math.abs(value)), feature);
      }
      double intercept = expected.get("intercept").asDouble();
      assertEquals(intercept, model.intercept(0), 1e-9 * Math.max(1, Math.abs(intercept)));
    }
  }

  @Test
  void passengersByMean() throws IOException {
    compare(
        "passengers mean",
        "Survived",
        List.of("Name"),
        e -> e.automaticCategories().missing(MissingCells.MEAN).classes(),
        new Logistic(),
        0.01);
  }

  @Test
  void passengersByIndicator() throws IOException {
    compare(
        "passengers indicator",
        "Survived",
        List.of("Name"),
        e -> e.automaticCategories().missing(MissingCells.INDICATOR).classes(),
        new Logistic(),
        0.01);
  }

  @Test
  void housesByMedianWithoutBaseline() throws IOException {
    compare(
        "houses median",
        "price",
        List.of(),
        e -> e.automaticCategories().missing(MissingCells.MEDIAN).withoutBaseline(),
        new Squared(),
        0.05);
  }

  /** Zones are numbers, and categories. */
  @Test
  void ridesWithoutRowsThatMissACell() throws IOException {
    compare(
        "rides drop",
        "cost",
        List.of(),
        e -> e.categorical(List.of("zone", "weather")).missing(MissingCells.DROP),
        new Squared(),
        0);
  }
}
