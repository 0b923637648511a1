package dev.panagrad.faults;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.rule.Adam;
import dev.panagrad.safetensors.SafetensorsFile;
import dev.panagrad.safetensors.SafetensorsWriter;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** What is saved in each way, in versions: a number that is everywhere in the file. */
enum Saver {
  SAFETENSORS {
    @Override
    void save(Path file, int version) throws IOException {
      try (TensorArena arena = TensorArena.open("tensors")) {
        Tensor w = arena.allocate("w", DType.F32, COUNT).fill(version);
        Tensor v = arena.allocate("v", DType.F64, 2).fill(version);
        SafetensorsWriter.write(file, Map.of("version", "" + version), List.of(w, v));
      }
    }

    @Override
    int load(Path file) throws IOException {
      try (SafetensorsFile in = SafetensorsFile.open(file);
          TensorArena arena = TensorArena.open("tensors")) {
        in.requireIntactHeader();
        double[] w = in.read(arena, "w").toArray();
        double[] v = in.read(arena, "v").toArray();
        return same(Integer.parseInt(in.metadata().get("version")), w, v);
      }
    }
  },

  MODEL {
    @Override
    void save(Path file, int version) throws IOException {
      double[] w = new double[COUNT];
      Arrays.fill(w, version);
      List<String> features = IntStream.range(0, COUNT).mapToObj(i -> "f" + i + version).toList();
      ModelFile.save(
          new LinearModel(features, List.of("y"), new double[][] {w}, new double[] {version}),
          file);
    }

    @Override
    int load(Path file) throws IOException {
      LinearModel model = ModelFile.load(file);
      int version = Integer.parseInt(model.features().getFirst().substring(2));
      return same(version, model.coefficients()[0], model.intercepts());
    }
  },

  CHECKPOINT {
    @Override
    void save(Path file, int version) throws IOException {
      try (Backend backend = Backends.open("scalar", new BackendOptions(1));
          TensorArena arena = TensorArena.open("checkpoint")) {
        Optimizer optimizer = optimizer(backend, arena);
        optimizer.parameters().flat().fill(version);
        optimizer.resumeAt(version);
        Checkpoint.save(optimizer, file);
      }
    }

    @Override
    int load(Path file) throws IOException {
      try (Backend backend = Backends.open("scalar", new BackendOptions(1));
          TensorArena arena = TensorArena.open("checkpoint")) {
        Optimizer optimizer = optimizer(backend, arena);
        Checkpoint.restore(optimizer, file);
        Parameters restored = optimizer.parameters();
        return same(
            (int) optimizer.steps(), restored.view("a").toArray(), restored.view("b").toArray());
      }
    }
  };

  private static final int COUNT = 5;

  static Optimizer optimizer(Backend backend, TensorArena arena) {
    Parameters parameters =
        Parameters.layout().add("a", COUNT).add("b", 2).allocate(arena, "p", DType.F32);
    return Optimizer.of(Adam.of(0.01)).build(parameters, backend, arena);
  }

  abstract void save(Path file, int version) throws IOException;

  /** The version, which is everywhere the same. */
  abstract int load(Path file) throws IOException;

  private static int same(int version, double[]... values) {
    for (double[] each : values) {
      for (double value : each) {
        if (value != version) {
          throw new AssertionError("version " + version + " with " + Arrays.deepToString(values));
        }
      }
    }
    return version;
  }
}
