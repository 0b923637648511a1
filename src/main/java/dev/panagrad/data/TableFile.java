package dev.panagrad.data;

import dev.panagrad.data.arrow.ArrowFile;
import dev.panagrad.data.csv.CsvTable;
import dev.panagrad.data.file.DecimalBytes;
import dev.panagrad.data.file.FileList;
import dev.panagrad.data.file.FileSource;
import dev.panagrad.data.file.FileStart;
import dev.panagrad.data.file.LibraryTable;
import dev.panagrad.data.file.MemoryBytes;
import dev.panagrad.data.file.Packing;
import dev.panagrad.data.file.RegularFile;
import dev.panagrad.data.file.ScannedTable;
import dev.panagrad.data.libsvm.LibsvmTable;
import dev.panagrad.data.npy.NpyTable;
import dev.panagrad.data.npy.NpzTable;
import dev.panagrad.data.parquet.ParquetFile;
import dev.panagrad.data.safetensors.SafetensorsTable;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * Opens a file as a {@link Table}. Its first bytes say what it is, and where they do not, the
 * ending of its name (see {@link FileFormat}); all others are CSV. CSV and LIBSVM are also read
 * compressed by gzip, bzip2 or zstd. Truth values are 0 and 1, dates days since 1970-01-01 unless
 * {@link TableOptions} say otherwise; integers of more than 53 bits are rounded to the nearest
 * double. Times and nested columns are refused where they are asked for.
 */
public final class TableFile {
  private TableFile() {}

  /** Opens a file as its bytes and its name say. */
  public static Table open(Path file) {
    return open(file, TableOptions.DEFAULT);
  }

  /**
   * Opens a file, which must not be made shorter until the table is closed: formats that are mapped
   * (Parquet, Arrow, safetensors) would end the process.
   *
   * @throws DataException if it cannot be read, or is of a format that is not read; some formats
   *     are looked at when columns or rows are asked for
   */
  public static Table open(Path file, TableOptions options) {
    String name = file.toString();
    FileFormat ending = FileFormat.ofEnding(file);
    FileFormat found = options.format();
    Packing packing = Packing.NONE;
    if (Files.isRegularFile(file)) {
      try {
        Table.Source whole = () -> Files.newInputStream(file);
        packing = Packing.of(FileStart.read(whole));
        long size = packing == Packing.NONE ? Files.size(file) : Long.MAX_VALUE;
        found = found(name, packing.unpacked(name, whole), size, ending, options);
      } catch (IOException e) {
        throw RegularFile.cannotRead(name, e);
      }
    }
    FileFormat used = found != null ? found : ending != null ? ending : FileFormat.CSV;
    if (packing != Packing.NONE && !used.isText()) {
      throw packedColumns(name, used, packing);
    }
    return switch (used) {
      case NPY -> NpyTable.open(file);
      case NPZ -> noted(NpzTable.open(file), options);
      case SAFETENSORS -> noted(SafetensorsTable.open(file), options);
      // Lambdas, so that a library is looked for when the file is opened.
      case PARQUET ->
          new LibraryTable(
              file,
              options,
              "Parquet",
              "dev.hardwood:hardwood-core",
              (p, o) -> ParquetFile.open(p, o));
      case ARROW ->
          new LibraryTable(
              file,
              options,
              "Arrow",
              "org.apache.arrow:arrow-format",
              (p, o) -> ArrowFile.open(p, o));
      case CSV, LIBSVM -> {
        String kind = used == FileFormat.CSV ? "a CSV file" : "a LIBSVM file";
        Table.Source source = packing.unpacked(name, new FileSource(file, kind));
        yield text(name, source, used, options);
      }
    };
  }

  /**
   * Keeps what a stream gives in native memory until the table is closed: it comes once and is read
   * twice. It is CSV or LIBSVM, perhaps compressed.
   *
   * @param name for messages
   * @param most bytes that are kept
   * @throws DataException if there are more bytes, or they are of another format
   */
  public static Table read(String name, InputStream in, long most, TableOptions options) {
    MemoryBytes bytes = null;
    ScannedTable table = null;
    try {
      bytes = MemoryBytes.of(name, in, most);
      Packing packing = Packing.of(FileStart.read(bytes::open));
      Table.Source source = packing.unpacked(name, bytes::open);
      FileFormat found = found(name, source, Long.MAX_VALUE, null, options);
      if (found != null && !found.isText()) {
        throw new DataException(
            "%s is a file of %s, which is not read from front to back; write it to a file and name that"
                .formatted(name, found));
      }
      table = text(name, source, found == null ? FileFormat.CSV : found, options);
      table.onClose(bytes::close);
      return table;
    } catch (IOException e) {
      throw RegularFile.cannotRead(name, e);
    } finally {
      if (table == null && bytes != null) {
        bytes.close();
      }
    }
  }

  private static ScannedTable text(
      String name, Table.Source source, FileFormat format, TableOptions options) {
    boolean isCsv = format == FileFormat.CSV;
    String libraries =
        isCsv
            ? "CSV files need the libraries de.siegmar:fastcsv and ch.randelshofer:fastdoubleparser"
            : "LIBSVM files need the library ch.randelshofer:fastdoubleparser";
    try {
      Objects.requireNonNull(DecimalBytes.library());
      if (isCsv) {
        Objects.requireNonNull(CsvTable.library());
      }
    } catch (LinkageError e) {
      // Where a module cannot see a library, it is an IllegalAccessError.
      throw new DataException(
          "%s: %s on the class path, or on the module path with --add-modules: %s"
              .formatted(name, libraries, String.valueOf(e.getMessage()).replace('/', '.')),
          e);
    }
    return isCsv ? CsvTable.of(name, source, options) : LibsvmTable.of(name, source, options);
  }

  /** Says which arrays are no features unless they are named. */
  private static Table noted(Table table, TableOptions options) {
    for (int column = 0; column < table.columns().size(); column++) {
      String apart = table.apart(column);
      if (apart != null) {
        options
            .notes()
            .accept(
                "%s: '%s' is left out: %s"
                    .formatted(table.name(), table.columns().get(column), apart));
      }
    }
    return table;
  }

  /** What was asked for, or what the bytes say; null if neither says anything. */
  private static FileFormat found(
      String name, Table.Source source, long size, FileFormat ending, TableOptions options)
      throws IOException {
    if (options.format() != null) {
      return options.format();
    }
    byte[] start = FileStart.read(source);
    FileFormat format = FileStart.format(name, start, size);
    if (format == null
        && (ending == null || ending == FileFormat.CSV)
        && options.csv().charset().equals(StandardCharsets.UTF_8)) {
      FileStart.requireText(name, start, options);
    }
    return format;
  }

  private static DataException packedColumns(String name, FileFormat format, Packing packing) {
    return new DataException(
        "%s is a file of %s compressed by %s, which is not read; decompress it first"
            .formatted(name, format, packing));
  }

  /**
   * Opens files as one table, whose rows follow each other: each a file, a folder of which all
   * files are read, or a pattern such as {@code part-*.csv}; those of a folder and a pattern in the
   * order of their names. Folders named {@code name=value} below are columns.
   *
   * @throws DataException as {@link #open(Path, TableOptions)}, or if there is no file; columns
   *     that differ are found when they are asked for
   */
  public static Table open(List<Path> files, TableOptions options) {
    Map<Path, Map<String, String>> found = new LinkedHashMap<>();
    for (Path file : files) {
      FileList.of(file)
          .forEach(
              (one, folders) -> {
                if (found.put(one, folders) != null) {
                  throw new DataException(one + " is named twice");
                }
              });
    }
    // What one file shows, others show too.
    TableOptions quiet = options.withNotes(note -> {});
    Map<Table, Map<String, String>> tables = new LinkedHashMap<>();
    boolean complete = false;
    try {
      found.forEach(
          (file, folders) -> tables.put(open(file, tables.isEmpty() ? options : quiet), folders));
      complete = true;
    } finally {
      if (!complete) {
        tables.keySet().forEach(Table::close);
      }
    }
    boolean isOne = tables.size() == 1 && tables.values().iterator().next().isEmpty();
    return isOne ? tables.keySet().iterator().next() : new ConcatenatedTable(tables);
  }

  /** Opens CSV from somewhere else than a file, under a name for messages. */
  public static Table csv(String name, Table.Source source) {
    return text(name, source, FileFormat.CSV, TableOptions.DEFAULT);
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
}
