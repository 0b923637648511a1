package dev.panagrad.data.arrow;

import dev.panagrad.data.file.LibraryTable;
import java.io.IOException;
import java.nio.file.Path;

/**
 * An Apache Arrow file (also called Feather, version 2) or stream: columns of numbers, truth values
 * (as 0 and 1), decimals and dates (as days since 1970-01-01). Which of the two it is, its first
 * bytes say. Missing values, texts, times, dictionaries and nested columns are refused where they
 * are asked for; other columns may hold them.
 *
 * <p>Needs {@code org.apache.arrow:arrow-format}; compressed files also {@code
 * org.apache.commons:commons-compress} for LZ4, {@code com.github.luben:zstd-jni} for Zstandard.
 * Those read what describes the columns. The columns themselves are read where the file is mapped,
 * each number within bounds that were checked; compressed ones through a window.
 *
 * <p>Memory: what describes a batch, and 64 KiB; compression adds its window, of at most 128 MiB
 * for Zstandard and 4 MiB for LZ4. The file must not be cut short while it is read, which ends the
 * process.
 *
 * <p>Ownership: nothing is kept open between calls. Threading: one thread at a time.
 */
public final class ArrowTable extends LibraryTable {
  private ArrowTable(Path file) {
    super(file, "Arrow", "org.apache.arrow:arrow-format");
  }

  /** A file. It is read when columns, rows or cells are asked for. */
  public static ArrowTable file(Path file) {
    return new ArrowTable(file);
  }

  @Override
  protected Opened open(Path file) throws IOException {
    return new ArrowFile(file);
  }
}
