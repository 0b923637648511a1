package dev.panagrad.data.file;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The columns of a file that were the index of a table of pandas: they number or name its rows, as
 * the metadata say that pandas leaves in Parquet and Arrow files.
 *
 * <pre>
 *   pandas | {"index_columns": ["id", {"kind": "range", ...}], "columns": [...], ...}
 * </pre>
 *
 * Source: pandas developer documentation, Storing pandas DataFrame objects in Apache Parquet
 * format.
 */
public final class PandasIndex {
  /** The name of the metadata. */
  public static final String KEY = "pandas";

  private static final Pattern UNNAMED = Pattern.compile("__index_level_[0-9]+__");
  // Possessive, so that what is none takes no time.
  private static final Pattern LIST = Pattern.compile("\"index_columns\"\\s*+:\\s*+\\[");
  // A name, or a range of numbers, which is no column.
  private static final Pattern ENTRY =
      Pattern.compile(
          "\\G\\s*+(?:\"([^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+)\"|\\{[^{}]*+\\}|null)\\s*+,?");
  private static final Pattern ESCAPE = Pattern.compile("\\\\(?:u(\\p{XDigit}{4})|(.))");

  private PandasIndex() {}

  /** Those of these columns, by the metadata of a file, or null, and by how pandas names them. */
  public static Set<String> among(Iterable<String> columns, String metadata) {
    Set<String> named = new HashSet<>();
    Matcher list = LIST.matcher(metadata == null ? "" : metadata);
    if (list.find()) {
      Matcher entry = ENTRY.matcher(metadata).region(list.end(), metadata.length());
      while (entry.find()) {
        if (entry.group(1) != null) {
          named.add(unescaped(entry.group(1)));
        }
      }
    }
    Set<String> found = new HashSet<>();
    for (String column : columns) {
      if (named.contains(column) || UNNAMED.matcher(column).matches()) {
        found.add(column);
      }
    }
    return found;
  }

  private static String unescaped(String text) {
    return ESCAPE.matcher(text).replaceAll(PandasIndex::character);
  }

  private static String character(MatchResult escape) {
    String code = escape.group(1);
    String one =
        code != null
            ? String.valueOf((char) Integer.parseInt(code, 16))
            : "bfnrt".contains(escape.group(2))
                ? escape.group().translateEscapes()
                : escape.group(2);
    return Matcher.quoteReplacement(one);
  }
}
