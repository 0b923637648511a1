package consumer;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.TableFile;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ServedModel;
import dev.panagrad.solver.Exact;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.Trainer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A program that has the engine and nothing else: fits a line and serves it. */
public final class Consumer {
  private Consumer() {}

  public static void main(String[] args) throws IOException {
    if (args.length > 0) {
      System.out.println(Backends.table());
      return;
    }
    try (Backend backend = Backends.open();
        TensorArena arena = TensorArena.open("line")) {
      Tensor x = arena.allocate("x", DType.F64, 100, 1);
      Tensor y = arena.allocate("y", DType.F64, 100);
      for (int i = 0; i < 100; i++) {
        x.set(i, i);
        y.set(i, 2.0 * i + 1);
      }
      LinearModel model =
          Trainer.with(new Exact(), Penalty.none()).fit(Dataset.of(x, y), backend).model();
      try (ServedModel served = new ServedModel(model)) {
        double[] row = {1};
        System.out.printf("%s: %.1f%n", backend.name(), served.predict(row, 0));
      }
    }
    Path file = Files.createTempFile("consumer", ".csv");
    try {
      Files.writeString(file, "x,y\n1,2\n");
      TableFile.open(file).close();
    } catch (DataException e) {
      System.out.println(e.getMessage());
    } finally {
      Files.delete(file);
    }
  }
}
