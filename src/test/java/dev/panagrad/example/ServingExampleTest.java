package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Logistic;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.FeatureOrder;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Sgd;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.OnlineRegression;
import dev.panagrad.train.RefusedRowException;
import dev.panagrad.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The serving example of the guide: it compiles, it runs, and the page holds this text. */
class ServingExampleTest {
  private static final String START = "\n  // service: start\n";
  private static final String END = "\n  // service: end\n";

  // service: start
  static final class PriceService implements AutoCloseable {
    private final ServedModel served;
    private final FeatureOrder order;
    private final Backend backend;
    private final OnlineRegression online;

    PriceService(Path modelFile, List<String> columns) throws IOException {
      served = ServedModel.load(modelFile);
      LinearModel model = served.current();
      order = FeatureOrder.of(model.features(), columns);
      backend = Backends.open();
      online =
          OnlineRegression.with(Optimizer.of(Sgd.of(1)))
              .automaticRate()
              .startFrom(model)
              .open(backend, model.features(), model.targets());
    }

    /** Any number of threads, each with a row of its own. */
    double price(double[] columns, double[] row) {
      order.arrange(columns, row);
      return served.predict(row, 0);
    }

    /** One thread, while others predict: goes on from the model that is served. */
    void learn(Iterable<double[]> rowsAndPrices) {
      double[] row = new double[online.features().size()];
      double[] price = new double[1];
      for (double[] values : rowsAndPrices) {
        order.arrange(values, row);
        price[0] = values[values.length - 1];
        try {
          online.update(row, price);
        } catch (RefusedRowException e) {
          // No number, or far outside of what is usual: the model is as before.
        }
      }
      served.swap(online.model());
    }

    @Override
    public void close() {
      served.close();
      online.close();
      backend.close();
    }
  }

  // service: end

  private static List<double[]> diabetes(int from, int to) throws IOException {
    return Files.readAllLines(Path.of("src/test/resources/data/diabetes.csv")).stream()
        .skip(1 + from)
        .limit(to - from)
        .map(line -> Stream.of(line.split(",")).mapToDouble(Double::parseDouble).toArray())
        .toList();
  }

  private static final List<String> COLUMNS =
      List.of("age", "sex", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6", "progression");

  /** The least-squares model of the first rows. */
  private static LinearModel fitted(int rows) throws IOException {
    List<double[]> data = diabetes(0, rows);
    try (Backend backend = Backends.open();
        TensorArena arena = TensorArena.open("diabetes")) {
      Tensor x = arena.allocate("x", DType.F64, rows, 10);
      Tensor y = arena.allocate("y", DType.F64, rows);
      for (int i = 0; i < rows; i++) {
        for (int f = 0; f < 10; f++) {
          x.set(i, f, data.get(i)[f]);
        }
        y.set(i, data.get(i)[10]);
      }
      return Trainer.with(new Lbfgs(), Penalty.none())
          .standardizeInPlace()
          .epochs(100)
          .fit(new Dataset(COLUMNS.subList(0, 10), COLUMNS.subList(10, 11), x, y), backend)
          .model();
    }
  }

  private static double meanSquare(PriceService service, List<double[]> rows) {
    double[] row = new double[10];
    double sum = 0;
    for (double[] values : rows) {
      double error = service.price(values, row) - values[10];
      sum += error * error / rows.size();
    }
    return sum;
  }

  /** What was fitted is not forgotten; what changes is followed; what is garbage is dropped. */
  @Test
  void servesAndLearns(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.safetensors");
    ModelFile.save(fitted(300), file);
    List<double[]> later = diabetes(300, 442);
    PriceService service = new PriceService(file, COLUMNS);
    try (service) {
      double before = meanSquare(service, later);
      service.learn(later);
      double after = meanSquare(service, later);
      assertTrue(after < before * 1.01, before + " -> " + after);
      List<double[]> garbage = later.stream().map(double[]::clone).toList();
      garbage.forEach(values -> values[2] *= 1e6);
      service.learn(garbage.subList(0, 20));
      assertEquals(after, meanSquare(service, later), 0.0);
      List<double[]> dearer = later.stream().map(double[]::clone).toList();
      dearer.forEach(values -> values[10] += 300);
      double unknown = meanSquare(service, dearer);
      service.learn(dearer);
      assertTrue(meanSquare(service, dearer) < unknown / 5, "the change is not followed");
    }
    assertThrows(IllegalStateException.class, () -> service.price(new double[11], new double[10]));
  }

  @Test
  void isInTheGuide() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/dev/panagrad/example/ServingExampleTest.java"));
    String page = Files.readString(Path.of("src/site/markdown/serving.md"));
    String example = source.substring(source.indexOf(START) + START.length(), source.indexOf(END));
    assertTrue(example.lines().count() > 10);
    assertTrue(page.contains("```java\n" + example.stripTrailing().stripIndent() + "\n```"));
  }

  // page: start
  static OnlineRegression clicks(Backend backend, ServedModel served, Standardization moments) {
    return OnlineRegression.with(Optimizer.of(Sgd.of(1)))
        .loss(new Logistic())
        .startFrom(served.current())
        .standardization(moments)
        .forgetting(0.9999)
        .open(backend, served.current().features(), List.of("clicked"));
  }

  // page: end

  @Test
  void thePageOfTheGuideGoesOnFromAModel() throws IOException {
    LinearModel model =
        new LinearModel(
                List.of("age"), List.of("clicked"), new double[][] {{0.1}}, new double[] {-4})
            .withLoss(new Logistic());
    double[] one = {1};
    Standardization moments =
        Standardization.of(new double[] {40}, new double[] {12}, new double[1], one);
    try (Backend backend = Backends.open();
        ServedModel served = new ServedModel(model);
        OnlineRegression online = clicks(backend, served, moments)) {
      assertEquals(0.5, online.model().probability(new double[] {40}, 0), 1e-12);
      online.update(new double[] {40}, one);
      served.swap(online.model());
      assertTrue(served.probability(new double[] {40}, 0) > 0.5);
    }
    String source =
        Files.readString(Path.of("src/test/java/dev/panagrad/example/ServingExampleTest.java"));
    String page = Files.readString(Path.of("src/site/markdown/serving.md"));
    String example =
        source.substring(
            source.indexOf("  static OnlineRegression clicks"),
            source.indexOf("\n  // page: end\n"));
    assertTrue(page.contains("```java\n" + example.stripTrailing().stripIndent() + "\n```"));
  }
}
