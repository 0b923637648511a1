package dev.panagrad.example;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.PreparedCall;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Adam;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The example of the guide's page on backends: it runs, and the page holds exactly this text. */
class OperandsExampleTest {
  private static final Path PAGE = Path.of("src/site/markdown/backends.md");
  private static final Path SOURCE =
      Path.of("src/test/java/dev/panagrad/example/OperandsExampleTest.java");
  private static final String START = "\n  // page: start\n";
  private static final String END = "\n  // page: end\n";

  // page: start
  static double[] fitLine(String backendName) {
    try (Backend backend = Backends.open(backendName, BackendOptions.defaults());
        TensorArena arena = TensorArena.open("line")) {
      Tensor x = arena.allocate("x", DType.F32, 100, 1);
      Tensor y = arena.allocate("y", DType.F32, 100);
      for (int i = 0; i < 100; i++) {
        x.set(i, i / 100.0);
        y.set(i, 2 * x.get(i) + 1);
      }
      Parameters parameters =
          Parameters.layout().add("w", 1, 1).add("b", 1).allocate(arena, "model", DType.F32);
      Parameters gradient = parameters.like(arena, "gradient");

      Batch rows = new Batch(x, y);
      Linear model = new Linear(parameters.view("w"), parameters.view("b"));
      Gradient into = new Gradient(gradient.view("w"), gradient.view("b"), null);

      Optimizer adam = Optimizer.of(Adam.of(0.05)).build(parameters, backend, arena);
      for (int step = 0; step < 2000; step++) {
        backend.linear().gradient(rows, step % 4 * 25L, 25, new Squared(), model, into);
        adam.step(gradient);
      }
      return new double[] {model.w().get(0), model.b().get(0)};
    }
  }

  static double[] predictEach(double... values) {
    try (Backend backend = Backends.open();
        TensorArena arena = TensorArena.open("rows")) {
      Tensor row = arena.allocate("row", DType.F32, 1, 1);
      Tensor w = arena.allocate("w", DType.F32, 1, 1).fill(2);
      Tensor out = arena.allocate("prediction", DType.F32, 1, 1);
      PreparedCall predict = backend.linear().preparePredict(row, 0, 1, new Linear(w, null), out);
      double[] predictions = new double[values.length];
      for (int i = 0; i < values.length; i++) {
        row.set(0, values[i]);
        predict.run();
        predictions[i] = out.get(0);
      }
      return predictions;
    }
  }

  // page: end

  @Test
  void predictsWhatTheRowHolds() {
    assertArrayEquals(new double[] {2, -8, 0}, predictEach(1, -4, 0));
  }

  @Test
  void findsTheLine() {
    for (String backend : List.of("simd", "scalar")) {
      double[] line = fitLine(backend);
      assertEquals(2, line[0], 1e-2, backend);
      assertEquals(1, line[1], 1e-2, backend);
    }
  }

  @Test
  void isOnThePage() throws IOException {
    String source = Files.readString(SOURCE);
    String page = Files.readString(PAGE);
    String between = source.substring(source.indexOf(START), source.indexOf(END));
    assertTrue(between.lines().count() > 20);
    Stream.concat(
            source.lines().filter(line -> line.startsWith("import dev.panagrad.")),
            between.lines().skip(2))
        .map(String::strip)
        .forEach(line -> assertTrue(page.contains(line), "missing in " + PAGE + ": " + line));
  }
}
