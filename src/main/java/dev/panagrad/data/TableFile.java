package dev.panagrad.data;

import java.nio.file.Path;
import java.util.Locale;

/**
 * Opens a file as a {@link Table}, by the ending of its name: {@code .parquet}; {@code .arrow},
 * {@code .arrows}, {@code .feather} or {@code .ipc}; {@code .npy}, {@code .npz}; {@code
 * .safetensors}; {@code .svm}, {@code .libsvm} or {@code .svmlight}; all others are CSV.
 */
public final class TableFile {
  private TableFile() {}

  /**
   * Opens a file. Its content is looked at when columns or rows are asked for, or before.
   *
   * @throws DataException if it cannot be read, or is not what its ending says
   */
  public static Table open(Path file) {
    String ending = ending(file);
    return switch (ending) {
      case "npy" -> NpyTable.open(file);
      case "npz" -> NpzTable.open(file);
      case "safetensors" -> SafetensorsTable.open(file);
      case "svm", "libsvm", "svmlight" -> LibsvmTable.file(file);
      case "parquet" -> ParquetTable.file(file);
      case "arrow", "arrows", "feather", "ipc" -> ArrowTable.file(file);
      default -> CsvTable.file(file);
    };
  }

  /** After the last dot, in lower case; empty if there is none. */
  private static String ending(Path file) {
    String name = file.getFileName() == null ? "" : file.getFileName().toString();
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }
}
