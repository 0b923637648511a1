package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.data.Table;
import dev.panagrad.data.TableReader;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which data to read. */
final class DataOptions {
  @Mixin private DataSource source;

  @Option(
      names = "--target",
      required = true,
      split = ",",
      paramLabel = "NAME",
      description = "Column to predict; several separated by commas. A name, or a number from 1.")
  private List<String> targets = new ArrayList<>();

  @Option(
      names = "--features",
      split = ",",
      paramLabel = "NAME",
      description = "Columns to predict from; all but the targets if not given.")
  private List<String> features = new ArrayList<>();

  @Option(
      names = "--dtype",
      defaultValue = "f32",
      description = "f32 or f64; default ${DEFAULT-VALUE}.")
  private DType dtype;

  Dataset read(TensorArena arena) {
    if (!dtype.isFloating()) {
      throw new UsageException("--dtype must be f32 or f64, found " + dtype);
    }
    try (Table table = source.open()) {
      return TableReader.of(table).targets(targets).features(features).read(arena, dtype);
    }
  }

  /** Whether that file is the data: it would be overwritten. */
  boolean isFile(Path file) {
    return source.isFile(file);
  }

  DType dtype() {
    return dtype;
  }
}
