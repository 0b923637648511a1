package dev.panagrad.data.parquet;

import dev.panagrad.data.file.LibraryTable;
import java.io.IOException;
import java.nio.file.Path;

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
public final class ParquetTable extends LibraryTable {
  private ParquetTable(Path file) {
    super(file, "Parquet", "dev.hardwood:hardwood-core");
  }

  /** A file. It is read when columns, rows or cells are asked for. */
  public static ParquetTable file(Path file) {
    return new ParquetTable(file);
  }

  @Override
  protected Opened open(Path file) throws IOException {
    return ParquetFile.open(file);
  }
}
