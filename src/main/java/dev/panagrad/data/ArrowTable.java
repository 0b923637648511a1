package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import java.nio.file.Path;
import java.util.List;

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
public final class ArrowTable implements Table {
  private final Path file;
  private ArrowFile.Layout layout;

  private ArrowTable(Path file) {
    this.file = file;
  }

  /** A file. It is read when columns, rows or cells are asked for. */
  public static ArrowTable file(Path file) {
    return new ArrowTable(file);
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

  private ArrowFile.Layout layout() {
    if (layout == null) {
      layout = linked(() -> ArrowFile.layout(file));
    }
    return layout;
  }

  @Override
  public void read(int[] columns, DType dtype, Cells into) {
    ArrowFile.Layout expected = layout();
    linked(
        () -> {
          ArrowFile.read(file, expected, columns, dtype, into);
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
          "%s: Arrow files need the library org.apache.arrow:arrow-format, which is not on the class path (%s)"
              .formatted(file, e.getMessage()),
          e);
    }
  }
}
