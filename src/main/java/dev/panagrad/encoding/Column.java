package dev.panagrad.encoding;

import java.util.List;

/** A column of a table becomes features. */
public sealed interface Column permits NumberColumn, CategoryColumn {
  String name();

  /** Returns the names of its features, in the order in which they lie; perhaps none. */
  List<String> features();

  /** Returns the name of a feature that is 1 where a column has no value. */
  static String missing(String column) {
    return column + " is missing";
  }
}
