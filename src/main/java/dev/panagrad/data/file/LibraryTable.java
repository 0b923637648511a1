package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.Table;
import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A file that is read by a library which a program may do without, and opened for each call. */
public final class LibraryTable extends ScannedTable {
  private final Path file;
  private final String format;
  private final String library;
  private final Opener opener;

  /** An open file, in terms of the library. */
  public interface Opened extends AutoCloseable {
    List<String> columns();

    /** Rows of each column, as the file says. */
    long rows();

    /** What keeps a column from being read, after its name; null if nothing does. */
    String refusal(int column);

    /** Checks that a column has as many rows as the file says, without unpacking it. */
    void check(int column) throws IOException;

    /** Hands over the values of columns that were checked; the receiver checks each. */
    void read(int[] columns, Cells into) throws IOException;

    @Override
    void close() throws IOException;
  }

  @FunctionalInterface
  private interface Use<T> {
    T with(Opened file) throws IOException;
  }

  /** Opens a regular file. */
  @FunctionalInterface
  public interface Opener {
    Opened open(Path path) throws IOException;
  }

  /** A file that is opened when it is read, by that library (group and artifact). */
  public LibraryTable(Path file, String format, String library, Opener opener) {
    super(file.toString());
    this.file = file;
    this.format = format;
    this.library = library;
    this.opener = opener;
  }

  @Override
  protected Layout scan() {
    return opened(LibraryTable::layout);
  }

  private static Layout layout(Opened open) throws IOException {
    Set<String> seen = new HashSet<>();
    for (String column : open.columns()) {
      if (!seen.add(column)) {
        throw new DataException(
            "column '%s' appears twice; names must be unique".formatted(column));
      }
    }
    if (open.rows() == 0) {
      throw new DataException("it has no rows");
    }
    requireRows(open);
    return new Layout(List.copyOf(open.columns()), open.rows());
  }

  /** What a caller allocates by the number of rows must not rest on a number alone. */
  private static void requireRows(Opened open) throws IOException {
    DataException first = null;
    for (int column = 0; column < open.columns().size(); column++) {
      if (open.refusal(column) == null) {
        try {
          open.check(column);
          return;
        } catch (DataException e) {
          first = first == null ? e : first;
        }
      }
    }
    throw first != null ? first : new DataException("none of its columns is one of numbers");
  }

  @Override
  public void read(int[] columns, DType dtype, Cells into) {
    Layout expected = layout();
    opened(
        open -> {
          if (!expected.equals(new Layout(List.copyOf(open.columns()), open.rows()))) {
            throw new DataException("it changed while it was read");
          }
          for (int column : columns) {
            if (open.refusal(column) != null) {
              throw new DataException(
                  "column '%s' %s".formatted(expected.columns().get(column), open.refusal(column)));
            }
            open.check(column);
          }
          open.read(
              columns,
              (row, selected, value) -> {
                String problem = Table.problem(value, dtype);
                if (problem != null) {
                  throw new DataException(
                      "row %,d: %s in column '%s' %s"
                          .formatted(
                              row + 1, value, expected.columns().get(columns[selected]), problem));
                }
                into.set(row, selected, value);
              });
          return null;
        });
  }

  /** The failure of a row that has no value in a column. */
  public static DataException missing(long row, String column) {
    return new DataException(
        "row %,d: column '%s' has no value; remove the row or impute it"
            .formatted(row + 1, column));
  }

  /** Whatever the library throws about a file is a complaint about the file. */
  private <T> T opened(Use<T> use) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new DataException(
            Files.exists(file) ? "it is not a regular file" : "there is no such file");
      }
      try (Opened open = opener.open(file)) {
        return use.with(open);
      }
    } catch (NoClassDefFoundError e) {
      throw new DataException(
          "%s: %s files need the library %s, which is not on the class path (%s)"
              .formatted(file, format, library, e.getMessage()),
          e);
    } catch (IOException | RuntimeException | StackOverflowError e) {
      throw new DataException("cannot read %s: %s".formatted(file, reason(e)), e);
    }
  }

  /** What the innermost cause says: outer ones say that a page or a column failed. */
  public static String reason(Throwable e) {
    String said = e.getClass().getSimpleName();
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause.getMessage() != null) {
        said = cause.getMessage();
      }
      if (cause instanceof DataException) {
        return said;
      }
    }
    return said;
  }
}
