package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.EncodedTable;
import dev.panagrad.data.MissingCells;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableEncoder;
import dev.panagrad.data.TableFile;
import dev.panagrad.data.TableReader;
import dev.panagrad.loss.Logistic;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The guide's page of columns, whose program is between the marks. */
class ColumnsExampleTest {
  // page: start
  static void train(Path file, Backend backend, TensorArena arena, Path model) throws IOException {
    try (Table table = TableFile.open(file)) {
      TableReader columns =
          TableReader.of(table).targets(List.of("Survived")).exclude(List.of("Name"));
      EncodedTable encoded =
          TableEncoder.of(columns)
              .automaticCategories()
              .missing(MissingCells.INDICATOR)
              .classes()
              .fit();
      Dataset data = TableReader.of(encoded).targets(List.of("Survived")).read(arena, DType.F64);
      Trainer trainer = Trainer.automatic().loss(new Logistic());
      ModelFile.save(trainer.fit(data, backend).model(), model);
    }
  }

  // page: end

  @TempDir private Path folder;

  @Test
  void theModelIsServed() throws IOException {
    Path model = folder.resolve("model.safetensors");
    try (Backend backend = Backends.open();
        TensorArena arena = TensorArena.open("page")) {
      train(Path.of("src/test/resources/encoding/passengers.csv"), backend, arena, model);
    }
    ServedModel served = ServedModel.load(model);
    Map<String, Object> man =
        Map.of("Pclass", 3, "Sex", "male", "Age", 31, "Fare", 8, "Embarked", "S");
    double known = served.response(man, 0);
    double ageless =
        served.response(Map.of("Pclass", 3, "Sex", "male", "Fare", 8, "Embarked", "S"), 0);
    double woman =
        served.response(Map.of("Pclass", 3, "Sex", "female", "Fare", 8, "Embarked", "S"), 0);
    assertTrue(known > 0 && woman < 1 && ageless < woman, known + " " + ageless + " " + woman);
    LinearModel current = served.current();
    double[] features = new double[current.features().size()];
    current.encoding().orElseThrow().encode(man, features);
    assertEquals(known, served.probability(features, 0));
  }

  @Test
  void isOnThePage() throws IOException {
    String source =
        Files.readString(Path.of("src/test/java/dev/panagrad/example/ColumnsExampleTest.java"));
    String example =
        source.substring(
            source.indexOf("  static void train"), source.indexOf("\n  // page: end\n"));
    String page = Files.readString(Path.of("src/site/markdown/columns.md"));
    assertTrue(page.contains("```java\n" + example.stripTrailing().stripIndent() + "\n```"));
  }
}
