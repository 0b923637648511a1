package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import java.nio.file.Path;
import java.util.List;

/**
 * An Apache Parquet file: columns of numbers, truth values (as 0 and 1), decimals and dates (as
 * days since 1970-01-01). Missing values, texts, times and nested columns are refused where they
 * are asked for; other columns may hold them.
 *
 * <p>Needs the library {@code dev.hardwood:hardwood-core}, and one for each compression but gzip:
 * {@code org.xerial.snappy:snappy-java}, {@code com.github.luben:zstd-jni}, {@code
 * at.yawk.lz4:lz4-java}.
 *
 * <p>Memory: the file is mapped. Columns are read one after the other, in batches and pages of
 * which none may take more than 1/32 of the heap; a page that says it does is refused before
 * anything is allocated. The file must not be cut short while it is read, which ends the process.
 *
 * <p>Ownership: nothing is kept open between calls. Threading: one thread at a time; the library
 * unpacks pages on threads of its own, which end with the call.
 */
public final class ParquetTable implements Table {
  private final Path file;
  private ParquetFile.Layout layout;

  private ParquetTable(Path file) {
    this.file = file;
  }

  /** A file. It is read when columns, rows or cells are asked for. */
  public static ParquetTable file(Path file) {
    return new ParquetTable(file);
  }

  @Override
  public String name() {
    return file.toString();
  }

  @Override
  public List<String> columns() {
    return layout().columns();
  }

  @Override
  public boolean hasNames() {
    return true;
  }

  @Override
  public long rows() {
    return layout().rows();
  }

  private ParquetFile.Layout layout() {
    if (layout == null) {
      layout = linked(() -> ParquetFile.layout(file));
    }
    return layout;
  }

  @Override
  public void read(int[] columns, DType dtype, Cells into) {
    ParquetFile.Layout expected = layout();
    linked(
        () -> {
          ParquetFile.read(file, expected, columns, dtype, into);
          return null;
        });
  }

  /** What is done with the library. */
  @FunctionalInterface
  private interface Reading<T> {
    T get();
  }

  private <T> T linked(Reading<T> reading) {
    try {
      return reading.get();
    } catch (NoClassDefFoundError e) {
      throw new DataException(
          "%s: Parquet files need the library dev.hardwood:hardwood-core, which is not on the class path (%s)"
              .formatted(file, e.getMessage()),
          e);
    }
  }
}
