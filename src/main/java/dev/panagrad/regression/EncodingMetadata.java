package dev.panagrad.regression;

import dev.panagrad.encoding.CategoryColumn;
import dev.panagrad.encoding.ClassLabels;
import dev.panagrad.encoding.Column;
import dev.panagrad.encoding.NumberColumn;
import dev.panagrad.encoding.TableEncoding;
import dev.panagrad.safetensors.NameList;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Keeps a {@link TableEncoding} in the metadata of a file, as JSON lists of texts:
 *
 * <pre>
 *   columns     names of the columns of the table
 *   column.N    of a column, from 0, that is no plain number:
 *               ["number", what stands for a missing cell, "indicator" or ""]
 *               ["category", "baseline" or "all", "zeros" or "error", "missing" or "", level, ...]
 *   classes.N   of a target, from 0: [its negative class, its positive class]
 * </pre>
 *
 * "all" says that the first level has a feature too, "zeros" what a text that is no level is, and
 * "missing" that a missing cell is the last level.
 */
public final class EncodingMetadata {
  private static final String COLUMNS = "columns";
  private static final String COLUMN = "column.";
  private static final String CLASSES = "classes.";

  private EncodingMetadata() {}

  /** Adds an encoding, or nothing if it is null. */
  public static void put(TableEncoding encoding, Map<String, String> metadata) {
    if (encoding == null) {
      return;
    }
    metadata.put(COLUMNS, NameList.format(encoding.names()));
    for (int c = 0; c < encoding.columns().size(); c++) {
      List<String> words = words(encoding.columns().get(c));
      if (!words.isEmpty()) {
        metadata.put(COLUMN + c, NameList.format(words));
      }
    }
    for (int j = 0; j < encoding.targets(); j++) {
      ClassLabels classes = encoding.classes(j);
      if (classes != null) {
        metadata.put(CLASSES + j, NameList.format(List.of(classes.negative(), classes.positive())));
      }
    }
  }

  private static List<String> words(Column column) {
    List<String> words = new ArrayList<>();
    switch (column) {
      case NumberColumn(String _, double fill, boolean hasIndicator) -> {
        if (!Double.isNaN(fill)) {
          words.addAll(List.of("number", Double.toString(fill), hasIndicator ? "indicator" : ""));
        }
      }
      case CategoryColumn category -> {
        words.add("category");
        words.add(category.hasBaseline() ? "baseline" : "all");
        words.add(category.acceptsUnseen() ? "zeros" : "error");
        words.add(category.hasMissing() ? "missing" : "");
        words.addAll(category.levels());
      }
    }
    return words;
  }

  /**
   * Returns the encoding in metadata, or null if there is none.
   *
   * @throws IOException if it is damaged
   */
  public static TableEncoding get(Map<String, String> metadata, int targets) throws IOException {
    List<String> names = list(metadata, COLUMNS);
    if (names == null) {
      return null;
    }
    try {
      List<Column> columns = new ArrayList<>();
      for (int c = 0; c < names.size(); c++) {
        columns.add(column(names.get(c), list(metadata, COLUMN + c)));
      }
      List<ClassLabels> classes = new ArrayList<>();
      for (int j = 0; j < targets; j++) {
        List<String> two = list(metadata, CLASSES + j);
        require(two == null || two.size() == 2, CLASSES + j);
        classes.add(two == null ? null : new ClassLabels(two.get(0), two.get(1)));
      }
      return new TableEncoding(columns, classes);
    } catch (IllegalArgumentException e) {
      throw new IOException("its encoding is damaged: " + e.getMessage(), e);
    }
  }

  private static List<String> list(Map<String, String> metadata, String key) throws IOException {
    String text = metadata.get(key);
    try {
      return text == null ? null : NameList.parse(text, text.length());
    } catch (IOException e) {
      throw new IOException("metadata '%s': %s".formatted(key, e.getMessage()), e);
    }
  }

  private static Column column(String name, List<String> words) throws IOException {
    if (words == null) {
      return NumberColumn.of(name);
    }
    String kind = words.isEmpty() ? "" : words.getFirst();
    if (kind.equals("number") && words.size() == 3) {
      double fill = Double.parseDouble(words.get(1));
      return new NumberColumn(name, fill, is(words.get(2), "indicator", ""));
    }
    require(kind.equals("category") && words.size() >= 4, name);
    return new CategoryColumn(
        name,
        words.subList(4, words.size()),
        is(words.get(3), "missing", ""),
        is(words.get(1), "baseline", "all"),
        is(words.get(2), "zeros", "error"));
  }

  private static boolean is(String word, String yes, String no) throws IOException {
    require(word.equals(yes) || word.equals(no), word);
    return word.equals(yes);
  }

  private static void require(boolean isSo, String what) throws IOException {
    if (!isSo) {
      throw new IOException("its encoding is damaged at '%s'".formatted(what));
    }
  }
}
