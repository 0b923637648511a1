package dev.panagrad.data;

import dev.panagrad.data.file.NumberText;
import dev.panagrad.data.libsvm.LibsvmTable;
import dev.panagrad.tensor.DType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The rows of several files one after the other, which have the same columns in the same order.
 * Folders named {@code name=value} between the folder asked for and a file are columns after those
 * of the file; one that the file has too counts once, as the file has it. Of LIBSVM files, the
 * largest index of all counts.
 */
final class ConcatenatedTable implements Table {
  private static final String NO_VALUE = "__HIVE_DEFAULT_PARTITION__";

  private final List<Part> parts;
  private List<String> columns; // null until they are compared
  private int ofFiles; // columns before those of folders
  private final List<String> ofFolders = new ArrayList<>();
  private long[] firsts; // rows before each part, and all
  private long denseLimit = LibsvmTable.DEFAULT_DENSE_LIMIT;

  /** A file, and the values of the folders that it is in, by name. */
  private record Part(Table table, Map<String, String> folders) {}

  /** Takes over the tables, with the values of the folders that each is in. */
  ConcatenatedTable(Map<Table, Map<String, String>> tables) {
    parts = new ArrayList<>();
    tables.forEach((table, folders) -> parts.add(new Part(table, new LinkedHashMap<>(folders))));
  }

  private Table one() {
    return parts.getFirst().table;
  }

  @Override
  public String name() {
    return "%s and %,d more".formatted(one().name(), parts.size() - 1);
  }

  @Override
  public List<String> columns() {
    if (columns == null) {
      compare();
    }
    return columns;
  }

  private void compare() {
    if (one() instanceof LibsvmTable) {
      int most = parts.stream().mapToInt(part -> part.table.columns().size()).max().orElseThrow();
      parts.forEach(part -> part.table.withFeatures(most - 1));
    }
    List<String> expected = one().columns();
    long[] rows = new long[parts.size() + 1];
    for (int p = 0; p < parts.size(); p++) {
      Part part = parts.get(p);
      requireSame(expected, part.table);
      if (!part.folders.keySet().equals(parts.getFirst().folders.keySet())) {
        throw new DataException(
            "%s is in folders of %s, and %s in those of %s"
                .formatted(
                    part.table.name(),
                    part.folders.keySet(),
                    one().name(),
                    parts.getFirst().folders.keySet()));
      }
      rows[p + 1] = Math.addExact(rows[p], part.table.rows());
    }
    long rowBytes = (long) expected.size() * Double.BYTES;
    if (one() instanceof LibsvmTable && rows[parts.size()] > denseLimit / rowBytes) {
      throw new DataException(
          "%s: %,d rows of %,d columns take more than %,d bytes as a dense table of F64; name fewer files, or set Table.withDenseLimit"
              .formatted(name(), rows[parts.size()], expected.size(), denseLimit));
    }
    ofFiles = expected.size();
    ofFolders.clear();
    Set<String> known = new HashSet<>(expected);
    parts.getFirst().folders.keySet().stream().filter(known::add).forEach(ofFolders::add);
    List<String> all = expected;
    if (!ofFolders.isEmpty()) {
      all = new ArrayList<>(expected);
      all.addAll(ofFolders);
    }
    firsts = rows;
    columns = all;
  }

  /** The first difference is named with both files. */
  private void requireSame(List<String> expected, Table other) {
    List<String> found = other.columns();
    if (found.equals(expected) && other.hasNames() == one().hasNames()) {
      return;
    }
    int most = Math.min(found.size(), expected.size());
    int at = 0;
    while (at < most && found.get(at).equals(expected.get(at))) {
      at++;
    }
    throw new DataException(
        at < most
            ? "%s: column %,d is '%s', and '%s' in %s; files that are read together have the same columns in the same order"
                .formatted(other.name(), at + 1, found.get(at), expected.get(at), one().name())
            : "%s has %,d columns, and %s has %,d; files that are read together have the same columns in the same order"
                .formatted(other.name(), found.size(), one().name(), expected.size()));
  }

  @Override
  public boolean hasNames() {
    return one().hasNames();
  }

  @Override
  public long rows() {
    columns();
    return firsts[parts.size()];
  }

  /** Where the columns asked for that files have are among all that are asked for. */
  private int[] places(int[] selected) {
    columns();
    int[] places = new int[selected.length];
    int count = 0;
    for (int i = 0; i < selected.length; i++) {
      if (selected[i] < ofFiles) {
        places[count++] = i;
      }
    }
    return Arrays.copyOf(places, count);
  }

  @Override
  public void read(int[] selected, Values into) {
    int[] places = places(selected);
    int[] ofPart = Arrays.stream(places).map(i -> selected[i]).toArray();
    for (int p = 0; p < parts.size(); p++) {
      parts.get(p).table.read(ofPart, new Shifted(firsts[p], places, into));
      folders(p, selected, into);
    }
  }

  /** Files whose columns are not of numbers say so before a cell is read. */
  @Override
  public void read(int[] selected, DType dtype, Cells into) {
    int[] places = places(selected);
    int[] ofPart = Arrays.stream(places).map(i -> selected[i]).toArray();
    Values finite = finite(selected, dtype, into);
    for (int p = 0; p < parts.size(); p++) {
      long first = firsts[p];
      parts
          .get(p)
          .table
          .read(ofPart, dtype, (row, i, value) -> into.set(first + row, places[i], value));
      folders(p, selected, finite);
    }
  }

  /** Hands over what the folders of a part say, for each of its rows. */
  private void folders(int p, int[] selected, Values into) {
    for (int i = 0; i < selected.length; i++) {
      if (selected[i] >= ofFiles) {
        String text = parts.get(p).folders.get(ofFolders.get(selected[i] - ofFiles));
        boolean isNumber = NumberText.isNumber(text);
        double value = isNumber ? NumberText.parse(text) : 0;
        for (long row = firsts[p]; row < firsts[p + 1]; row++) {
          if (isNumber) {
            into.number(row, i, value);
          } else if (text.isBlank() || text.equals(NO_VALUE)) {
            into.missing(row, i);
          } else {
            into.text(row, i, text.strip());
          }
        }
      }
    }
  }

  /** Cells of a part as those of all rows and columns. */
  private static final class Shifted implements Values {
    private final long first;
    private final int[] places;
    private final Values into;

    Shifted(long first, int[] places, Values into) {
      this.first = first;
      this.places = places;
      this.into = into;
    }

    @Override
    public void number(long row, int selected, double value) {
      into.number(first + row, places[selected], value);
    }

    @Override
    public void text(long row, int selected, String text) {
      into.text(first + row, places[selected], text);
    }

    @Override
    public void missing(long row, int selected) {
      into.missing(first + row, places[selected]);
    }
  }

  private int part(long row) {
    int found = Arrays.binarySearch(firsts, row);
    return found < 0 ? -found - 2 : found;
  }

  @Override
  public String place(long row, int column) {
    Part part = parts.get(part(row));
    return column < ofFiles
        ? part.table.place(row - firsts[part(row)], column)
        : part.table.name() + ": its folder";
  }

  @Override
  public DataException wrong(long row, int column, String value, String problem) {
    return column < ofFiles
        ? parts.get(part(row)).table.wrong(row - firsts[part(row)], column, value, problem)
        : Table.super.wrong(row, column, value, problem);
  }

  @Override
  public String apart(int column) {
    columns();
    return column < ofFiles ? one().apart(column) : null;
  }

  @Override
  public Table withoutHeader() {
    parts.forEach(part -> part.table.withoutHeader());
    columns = null;
    return this;
  }

  @Override
  public Table withFeatures(int count) {
    parts.forEach(part -> part.table.withFeatures(count));
    columns = null;
    return this;
  }

  @Override
  public Table withDenseLimit(long bytes) {
    parts.forEach(part -> part.table.withDenseLimit(bytes));
    denseLimit = bytes;
    columns = null;
    return this;
  }

  @Override
  public void close() {
    parts.forEach(part -> part.table.close());
  }
}
