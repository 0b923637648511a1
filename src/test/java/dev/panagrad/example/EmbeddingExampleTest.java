package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingResult;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The example of the README: it compiles, it runs, and the README holds exactly this text. */
@Tag("first")
class EmbeddingExampleTest {
  private static final String START = "\n  // README: start\n";
  private static final String END = "\n  // README: end\n";

  // README: start
  static TrainingResult fitLine() {
    try (Backend backend = Backends.open();
        TensorArena arena = TensorArena.open("line")) {
      Tensor x = arena.allocate("x", DType.F32, 100, 1);
      Tensor y = arena.allocate("y", DType.F32, 100);
      for (int i = 0; i < 100; i++) {
        x.set(i, i / 100.0);
        y.set(i, 2 * x.get(i) + 1);
      }
      return Trainer.with(Optimizer.of(Adam.of(0.05)))
          .batchSize(32)
          .epochs(500)
          .fit(Dataset.of(x, y), backend);
    }
  }

  // README: end

  @Test
  void findsTheLine() {
    TrainingResult result = fitLine();
    assertEquals(2, result.model().coefficient(0, 0), 1e-3);
    assertEquals(1, result.model().intercept(0), 1e-3);
    assertEquals(2 * 7 + 1, result.model().predict(new double[] {7}, 0), 1e-2);
  }

  @Test
  void isInTheReadme() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/dev/panagrad/example/EmbeddingExampleTest.java"));
    String readme = Files.readString(Path.of("README.md"));
    String between = source.substring(source.indexOf(START), source.indexOf(END));
    assertTrue(between.lines().count() > 10);
    Stream.concat(
            source.lines().filter(line -> line.startsWith("import dev.panagrad.")),
            between.lines().skip(2))
        .map(String::strip)
        .forEach(line -> assertTrue(readme.contains(line), "missing in README.md: " + line));
  }
}
