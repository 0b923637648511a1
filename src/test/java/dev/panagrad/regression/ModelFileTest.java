package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The loss in a model file. */
class ModelFileTest {
  @TempDir private Path folder;
  private Path file;

  @BeforeEach
  void name() {
    file = folder.resolve("model.safetensors");
  }

  private static LinearModel model() {
    return new LinearModel(
        List.of("a", "b"), List.of("y"), new double[][] {{1, -2}}, new double[] {0.5});
  }

  @Test
  void lossesComeBack() throws IOException {
    Map<String, Loss> losses =
        Map.of(
            "squared", new Squared(),
            "huber:1.35", new Huber(1.35),
            "logistic", new Logistic(),
            "poisson", new Poisson(),
            "quantile:0.9", new Quantile(0.9));
    for (Map.Entry<String, Loss> each : losses.entrySet()) {
      ModelFile.save(model().withLoss(each.getValue()), file);
      try (SafetensorsFile in = SafetensorsFile.open(file)) {
        assertEquals(each.getKey(), in.metadata().get("loss"));
      }
      LinearModel again = ModelFile.load(file);
      assertEquals(each.getValue(), again.loss());
      assertArrayEquals(model().coefficients(), again.coefficients());
    }
  }

  /** As files were before they had a loss. */
  @Test
  void noLossIsSquared() throws IOException {
    write(null);
    assertEquals(new Squared(), ModelFile.load(file).loss());
  }

  @Test
  void whatIsNoLossIsNamed() throws IOException {
    refused("hinge", "'hinge': must be squared, huber:DELTA, logistic, poisson or quantile:TAU");
    refused("", "'': must be squared");
    refused("huber", "'huber': huber needs a number");
    refused("huber:-1", "'huber:-1': delta must be in (0, infinity), found -1.0");
    refused("huber:NaN", "'huber:NaN': delta must be");
    refused("quantile:1.5", "'quantile:1.5': tau must be");
    refused("logistic:0.5", "'logistic:0.5': logistic takes no number");
    refused("pois\u001b[2J\nson", "'pois\\u001b[2J\\u000ason': must be");
    refused("huber:" + "9".repeat(100_000), "... (100,006 characters)': huber needs a number");
    refused("x".repeat(100_000), "... (100,000 characters)': must be squared");
  }

  private void refused(String loss, String part) throws IOException {
    write(loss);
    String message = assertThrows(IOException.class, () -> ModelFile.load(file)).getMessage();
    assertTrue(message.startsWith("'" + file + "': metadata 'loss' is '"), message);
    assertTrue(message.contains(part), message);
    assertTrue(message.length() < 400 + file.toString().length(), message);
    assertFalse(message.chars().anyMatch(Character::isISOControl), message);
  }

  private void write(String loss) throws IOException {
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put("format", "panagrad.linear.1");
    metadata.put("features", "[\"a\"]");
    metadata.put("targets", "[\"y\"]");
    if (loss != null) {
      metadata.put("loss", loss);
    }
    try (TensorArena arena = TensorArena.open("model")) {
      SafetensorsWriter.write(
          file,
          metadata,
          List.of(arena.allocate("weight", DType.F64, 1, 1), arena.allocate("bias", DType.F64, 1)));
    }
  }

  /** It would be loaded as another one. */
  @Test
  void aLossWithoutANameIsNotSaved() throws IOException {
    ModelFile.save(model(), file);
    byte[] before = Files.readAllBytes(file);
    LinearModel other = model().withLoss(new ResponseTest.Cubic());
    IllegalArgumentException e =
        assertThrows(IllegalArgumentException.class, () -> ModelFile.save(other, file));
    assertTrue(e.getMessage().endsWith("found 'cubic'"), e.getMessage());
    assertArrayEquals(before, Files.readAllBytes(file));
  }

  @Test
  void offsetsComeBack() throws IOException {
    ModelFile.save(model().withOffset(true), file);
    assertEquals(model().withOffset(true), ModelFile.load(file));
    ModelFile.save(model(), file);
    assertEquals(model(), ModelFile.load(file));
  }

  @Test
  void modelsThatAreNotFiniteAreNeitherSavedNorLoaded() throws IOException {
    ModelFile.save(model(), file);
    for (double odd : new double[] {Double.NaN, Double.NEGATIVE_INFINITY}) {
      LinearModel diverged =
          new LinearModel(
              List.of("a", "b"), List.of("y"), new double[][] {{1, odd}}, new double[] {0.5});
      IllegalArgumentException e =
          assertThrows(IllegalArgumentException.class, () -> ModelFile.save(diverged, file));
      assertTrue(e.getMessage().contains("target 'y' that is not finite"), e::getMessage);
      assertEquals(model(), ModelFile.load(file));
    }
    try (TensorArena arena = TensorArena.open("diverged")) {
      SafetensorsWriter.write(
          file,
          Map.of("format", "panagrad.linear.1", "features", "[\"a\"]", "targets", "[\"y\"]"),
          List.of(
              arena.allocate("weight", DType.F64, 1, 1).fill(Double.NaN),
              arena.allocate("bias", DType.F64, 1)));
    }
    IOException e = assertThrows(IOException.class, () -> ModelFile.load(file));
    assertTrue(e.getMessage().contains("that is not finite"), e::getMessage);
  }
}
