package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.tensor.DType;
import java.nio.file.Path;
import java.util.List;

/** A file that is read by a library which a program may do without. */
public abstract class LibraryTable implements Table {
  private final Path file;
  private final String format;
  private final String library;
  private Layout layout;

  /**
   * A file that is not opened yet.
   *
   * @param library group and artifact
   */
  protected LibraryTable(Path file, String format, String library) {
    this.file = file;
    this.format = format;
    this.library = library;
  }

  /**
   * What the file says.
   *
   * @param columns names of the columns of the first level
   * @param rows of each column
   */
  public record Layout(List<String> columns, long rows) {}

  /** Opens the file for its layout. */
  protected abstract Layout layout(Path path);

  /** {@link #read(int[], DType, Cells)} from a file that is still as it was. */
  protected abstract void read(Path path, Layout expected, int[] columns, DType dtype, Cells into);

  @Override
  public final String name() {
    return file.toString();
  }

  @Override
  public final List<String> columns() {
    return layout().columns();
  }

  @Override
  public final boolean hasNames() {
    return true;
  }

  @Override
  public final long rows() {
    return layout().rows();
  }

  private Layout layout() {
    if (layout == null) {
      linked(() -> layout = layout(file));
    }
    return layout;
  }

  @Override
  public final void read(int[] columns, DType dtype, Cells into) {
    Layout expected = layout();
    linked(() -> read(file, expected, columns, dtype, into));
  }

  private void linked(Runnable reading) {
    try {
      reading.run();
    } catch (NoClassDefFoundError e) {
      throw new DataException(
          "%s: %s files need the library %s, which is not on the class path (%s)"
              .formatted(file, format, library, e.getMessage()),
          e);
    }
  }
}
