package dev.panagrad.cli;

import dev.panagrad.data.Table;
import dev.panagrad.data.TableFile;
import dev.panagrad.train.TrainingFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Where the rows come from. */
final class DataSource {
  // The data set in the jar, so that the program can be tried without a file.
  private static final String SAMPLE = "sample:diabetes";

  @Parameters(
      index = "0",
      paramLabel = "DATA",
      description =
          "File of rows: CSV, or by its ending .parquet; .arrow, .arrows, .feather, .ipc; .npy, .npz; .safetensors; .svm, .libsvm, .svmlight; or "
              + SAMPLE
              + " for the bundled diabetes data.")
  private String data;

  @Option(
      names = "--no-header",
      description = "The first record of a CSV file is data; select columns by number.")
  boolean noHeader;

  Table open() {
    Table table = source();
    if (!noHeader) {
      return table;
    }
    try {
      return table.withoutHeader();
    } catch (UnsupportedOperationException e) {
      table.close();
      throw new UsageException("--no-header is for CSV files, and " + data + " is none");
    }
  }

  List<String> words() {
    return noHeader ? List.of(data, "--no-header") : List.of(data);
  }

  /** The training file that the data are, or null. */
  Path trainingFile() {
    try {
      Path file = data.startsWith("sample:") ? null : Path.of(data);
      return file != null && TrainingFile.isTrainingFile(file) ? file : null;
    } catch (InvalidPathException e) {
      return null; // what cannot be opened is reported when it is read
    }
  }

  /** True if that file is the data: it would be overwritten. */
  boolean isFile(Path file) {
    try {
      return !data.startsWith("sample:")
          && Files.exists(file)
          && Files.isSameFile(file, Path.of(data));
    } catch (IOException | InvalidPathException e) {
      return false; // what cannot be opened is reported when it is read
    }
  }

  private Table source() {
    if (data.equals(SAMPLE)) {
      return TableFile.csv(SAMPLE, () -> DataSource.class.getResourceAsStream("diabetes.csv"));
    }
    if (data.startsWith("sample:")) {
      throw new UsageException("there is no '" + data + "'; there is " + SAMPLE);
    }
    try {
      return TableFile.open(Path.of(data));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException("'" + data + "' is not a path: " + e.getMessage(), e);
    }
  }
}
