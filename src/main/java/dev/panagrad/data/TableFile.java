package dev.panagrad.data;

import dev.panagrad.data.arrow.ArrowFile;
import dev.panagrad.data.csv.CsvTable;
import dev.panagrad.data.file.LibraryTable;
import dev.panagrad.data.libsvm.LibsvmTable;
import dev.panagrad.data.npy.NpyTable;
import dev.panagrad.data.npy.NpzTable;
import dev.panagrad.data.parquet.ParquetFile;
import dev.panagrad.data.safetensors.SafetensorsTable;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Opens a file as a {@link Table}, by the ending of its name: {@code .parquet}; {@code .arrow},
 * {@code .arrows}, {@code .feather} or {@code .ipc}; {@code .npy}, {@code .npz}; {@code
 * .safetensors}; {@code .svm}, {@code .libsvm} or {@code .svmlight}; all others are CSV. Truth
 * values are 0 and 1, dates days since 1970-01-01; integers of more than 53 bits are rounded to the
 * nearest double. Values that are missing, texts, times, and nested columns are refused where they
 * are asked for.
 */
public final class TableFile {
  private TableFile() {}

  /**
   * Opens a file, which must not be made shorter until the table is closed: formats that are mapped
   * (Parquet, Arrow, safetensors) would end the process.
   *
   * @throws DataException if it cannot be read, or is not what its ending says; some formats are
   *     looked at when columns or rows are asked for
   */
  public static Table open(Path file) {
    return switch (ending(file)) {
      case "npy" -> NpyTable.open(file);
      case "npz" -> NpzTable.open(file);
      case "safetensors" -> SafetensorsTable.open(file);
      case "svm", "libsvm", "svmlight" -> LibsvmTable.file(file);
      // Lambdas, so that a library is looked for when the file is opened.
      case "parquet" ->
          new LibraryTable(file, "Parquet", "dev.hardwood:hardwood-core", p -> ParquetFile.open(p));
      case "arrow", "arrows", "feather", "ipc" ->
          new LibraryTable(file, "Arrow", "org.apache.arrow:arrow-format", p -> ArrowFile.open(p));
      default -> CsvTable.file(file);
    };
  }

  /** CSV from somewhere else than a file, under a name for messages. */
  public static Table csv(String name, Table.Source source) {
    return CsvTable.of(name, source);
  }

  /**
   * Maps the elements of an .npy file: no copy, read-only, for as long as the arena is open, a
   * vector as [rows] and a matrix as [rows, columns]. They may be NaN or infinite. The file must
   * not be made shorter meanwhile, which ends the process. Throws if they are not F32 or F64 in
   * this machine's byte order, or rows do not follow each other.
   */
  public static Tensor map(TensorArena arena, Path npy) {
    try (NpyTable table = NpyTable.open(npy)) {
      return table.map(arena);
    }
  }

  private static String ending(Path file) {
    String name = file.getFileName() == null ? "" : file.getFileName().toString();
    return name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
  }
}
