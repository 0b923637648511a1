package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import dev.panagrad.data.TableOptions;
import dev.panagrad.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;

/** A file that is read by a library which a program may do without, and opened for each call. */
public final class LibraryTable extends ScannedTable {
  private final Path file;
  private final String format;
  private final String library;
  private final Opener opener;
  private final TableOptions options;
  private Set<String> index = Set.of(); // columns that were an index of pandas

  /** An open file, in terms of the library. */
  public interface Opened extends AutoCloseable {
    List<String> columns();

    /** Rows of each column, as the file says. */
    long rows();

    /** What keeps a column from being read, after its name; null if nothing does. */
    String refusal(int column);

    /** What keeps a column from being read as numbers, after its name; null if nothing does. */
    String notNumbers(int column);

    /** What pandas noted of its table; null if there is nothing. */
    String pandas();

    /** Checks that a column has as many rows as the file says, without unpacking it. */
    void check(int column) throws IOException;

    /** Hands over the values of columns that were checked. */
    void read(int[] columns, Values into) throws IOException;

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
    Opened open(Path path, TableOptions options) throws IOException;
  }

  /** A file that is opened when it is read, by that library (group and artifact). */
  public LibraryTable(
      Path file, TableOptions options, String format, String library, Opener opener) {
    super(file.toString());
    this.file = file;
    this.options = options;
    this.format = format;
    this.library = library;
    this.opener = opener;
  }

  @Override
  protected Layout scan() {
    Layout layout =
        opened(
            open -> {
              Layout found = layout(open);
              index = PandasIndex.among(found.columns(), open.pandas());
              return found;
            });
    layout.columns().stream()
        .filter(index::contains)
        .forEach(
            column ->
                options
                    .notes()
                    .accept(
                        "%s: column '%s' is an index of pandas, and no feature unless it is named"
                            .formatted(file, column)));
    return layout;
  }

  @Override
  public String apart(int column) {
    return index.contains(columns().get(column)) ? "it is an index of pandas" : null;
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
    throw first != null
        ? first
        : new DataException("none of its columns is one of numbers or texts");
  }

  @Override
  public void read(int[] columns, Values into) {
    read(columns, Opened::refusal, into);
  }

  /** Columns that are not of numbers are refused before a cell is read. */
  @Override
  public void read(int[] columns, DType dtype, Cells into) {
    read(columns, Opened::notNumbers, finite(columns, dtype, into));
  }

  private void read(int[] columns, BiFunction<Opened, Integer, String> refusal, Values into) {
    Layout expected = layout();
    opened(
        open -> {
          if (!expected.equals(new Layout(List.copyOf(open.columns()), open.rows()))) {
            throw new DataException("it changed while it was read");
          }
          for (int column : columns) {
            String problem = refusal.apply(open, column);
            if (problem != null) {
              throw new DataException(
                  "column '%s' %s".formatted(expected.columns().get(column), problem));
            }
            open.check(column);
          }
          open.read(columns, into);
          return null;
        });
  }

  @Override
  public String place(long row, int column) {
    return "%s: row %,d".formatted(file, row + 1);
  }

  /** Whatever the library throws about a file is a complaint about the file. */
  private <T> T opened(Use<T> use) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new DataException(
            Files.exists(file) ? "it is not a regular file" : "there is no such file");
      }
      try (Opened open = opener.open(file, options)) {
        return use.with(open);
      }
    } catch (NoClassDefFoundError e) {
      throw new DataException(
          "%s: %s files need the library %s, which is not on the class path (%s)"
              .formatted(file, format, library, e.getMessage()),
          e);
    } catch (IOException | RuntimeException | StackOverflowError e) {
      if (e instanceof DataException refusal && e.getMessage().startsWith(file + ": ")) {
        throw refusal; // of the receiver, with the place of a cell
      }
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
