package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

// tag::example[]
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
// end::example[]
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The example of the README: it compiles, it runs, and the README holds exactly this text. */
class EmbeddingExampleTest {
  // tag::example[]
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

  // end::example[]

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
        Files.readString(
            Path.of("src/test/java/dev/panagrad/example/EmbeddingExampleTest.java"));
    StringBuilder example = new StringBuilder();
    boolean inside = false;
    for (String line : source.lines().collect(Collectors.toList())) {
      if (line.strip().startsWith("// tag::") || line.strip().startsWith("// end::")) {
        inside = line.contains("tag::");
      } else if (inside) {
        example.append(line).append('\n');
      }
    }
    String readme = Files.readString(Path.of("README.md"));
    for (String line : example.toString().lines().filter(l -> !l.isBlank()).toList()) {
      assertTrue(readme.contains(line.strip()), "missing in README.md: " + line);
    }
  }
}
