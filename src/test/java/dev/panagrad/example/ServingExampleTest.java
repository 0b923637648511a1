package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.FeatureOrder;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.rule.Sgd;
import dev.panagrad.train.OnlineRegression;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The serving example of the README: it compiles, it runs, and the README holds this text. */
class ServingExampleTest {
  private static final String START = "\n  // README: start\n";
  private static final String END = "\n  // README: end\n";

  // README: start
  static final class PriceService implements AutoCloseable {
    private final ServedModel served;
    private final FeatureOrder order;

    PriceService(Path modelFile, List<String> columns) throws IOException {
      served = new ServedModel(ModelFile.load(modelFile));
      order = FeatureOrder.of(served.current().features(), columns);
    }

    /** Any number of threads, each with a row of its own. */
    double price(double[] columns, double[] row) {
      order.arrange(columns, row);
      return served.predict(row, 0);
    }

    /** One thread, while others predict. */
    void learn(Iterable<double[]> rowsAndPrices) {
      LinearModel model = served.current();
      try (Backend backend = Backends.open();
          OnlineRegression online =
              OnlineRegression.with(Optimizer.of(Sgd.of(0.1)))
                  .open(backend, model.features(), model.targets())) {
        double[] row = new double[model.features().size()];
        double[] price = new double[1];
        for (double[] values : rowsAndPrices) {
          order.arrange(values, row);
          price[0] = values[values.length - 1];
          online.update(row, price);
        }
        served.swap(online.model());
      }
    }

    @Override
    public void close() {
      served.close();
    }
  }

  // README: end

  @Test
  void servesAndLearns(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("model.safetensors");
    ModelFile.save(
        new LinearModel(List.of("area"), List.of("price"), new double[][] {{3}}, new double[] {1}),
        file);
    double[] request = {99, 2, 5};
    double[] row = new double[1];
    PriceService service = new PriceService(file, List.of("id", "area", "price"));
    try (service) {
      assertEquals(3 * 2 + 1, service.price(request, row), 0.0);
      service.learn(
          Stream.iterate(0, i -> i + 1)
              .limit(1000)
              .map(i -> new double[] {i, i % 3, 2.0 * (i % 3) + 1})
              .toList());
      assertEquals(2 * 2 + 1, service.price(request, row), 1e-6);
    }
    assertThrows(IllegalStateException.class, () -> service.price(request, row));
  }

  @Test
  void isInTheReadme() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/dev/panagrad/example/ServingExampleTest.java"));
    String readme = Files.readString(Path.of("README.md"));
    String example = source.substring(source.indexOf(START) + START.length(), source.indexOf(END));
    assertTrue(example.lines().count() > 10);
    assertTrue(readme.contains("```java\n" + example.stripTrailing().stripIndent() + "\n```"));
  }
}
