package dev.panagrad.cli;

import dev.panagrad.data.CsvData;
import dev.panagrad.data.Dataset;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which data to read. */
final class DataOptions {
  /** The data set in the jar, so that the program can be tried without a file. */
  private static final String SAMPLE = "sample:diabetes";

  @Parameters(
      paramLabel = "DATA.csv",
      description = "CSV file, or " + SAMPLE + " for the bundled diabetes data.")
  private String data;

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
      names = "--no-header",
      description = "The first record is data; select columns by number.")
  private boolean noHeader;

  @Option(
      names = "--dtype",
      defaultValue = "f32",
      description = "f32 or f64; default ${DEFAULT-VALUE}.")
  private DType dtype;

  Dataset read(TensorArena arena) {
    if (!dtype.isFloating()) {
      throw new UsageException("--dtype must be f32 or f64, found " + dtype);
    }
    CsvData csv = source().targets(targets).features(features);
    return (noHeader ? csv.withoutHeader() : csv).read(arena, dtype);
  }

  /** Whether that file is the data: it would be overwritten. */
  boolean isFile(Path file) {
    try {
      return !data.startsWith("sample:")
          && Files.exists(file)
          && Files.isSameFile(file, Path.of(data));
    } catch (IOException | InvalidPathException e) {
      return false; // what cannot be opened is reported when it is read
    }
  }

  DType dtype() {
    return dtype;
  }

  private CsvData source() {
    if (data.equals(SAMPLE)) {
      return CsvData.of(SAMPLE, () -> DataOptions.class.getResourceAsStream("diabetes.csv"));
    }
    if (data.startsWith("sample:")) {
      throw new UsageException("there is no '" + data + "'; there is " + SAMPLE);
    }
    try {
      return CsvData.file(Path.of(data));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("'" + data + "' is not a path: " + e.getMessage(), e);
    }
  }
}
