package dev.panagrad.fuzz;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The readers that are fuzzed. */
final class FuzzTargets {
  /** Takes bytes, and throws if the reader does what it should not. */
  @FunctionalInterface
  interface Target {
    void run(byte[] bytes);
  }

  private static final Path INPUTS = Path.of("src", "test", "resources", "fuzz");

  private FuzzTargets() {}

  /** By the class that Jazzer is given. */
  static Map<Class<?>, Target> all() {
    Map<Class<?>, Target> all = new LinkedHashMap<>();
    all.put(SafetensorsFuzz.class, SafetensorsFuzz::fuzzerTestOneInput);
    all.put(SavedFuzz.class, SavedFuzz::fuzzerTestOneInput);
    all.put(ModelFuzz.class, ModelFuzz::fuzzerTestOneInput);
    all.put(CheckpointFuzz.class, CheckpointFuzz::fuzzerTestOneInput);
    all.put(CsvFuzz.class, CsvFuzz::fuzzerTestOneInput);
    all.put(DialectFuzz.class, DialectFuzz::fuzzerTestOneInput);
    all.put(FileStartFuzz.class, FileStartFuzz::fuzzerTestOneInput);
    all.put(NpyFuzz.class, NpyFuzz::fuzzerTestOneInput);
    all.put(NpzFuzz.class, NpzFuzz::fuzzerTestOneInput);
    all.put(LibsvmFuzz.class, LibsvmFuzz::fuzzerTestOneInput);
    all.put(SafetensorsTableFuzz.class, SafetensorsTableFuzz::fuzzerTestOneInput);
    all.put(ParquetFuzz.class, ParquetFuzz::fuzzerTestOneInput);
    all.put(ArrowFuzz.class, ArrowFuzz::fuzzerTestOneInput);
    all.put(TrainingFileFuzz.class, TrainingFileFuzz::fuzzerTestOneInput);
    return all;
  }

  /** Where the inputs of a reader are that are tests. */
  static Path inputs(Class<?> target) {
    return INPUTS.resolve(target.getSimpleName());
  }
}
