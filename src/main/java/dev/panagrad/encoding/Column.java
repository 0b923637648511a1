package dev.panagrad.encoding;

import java.util.List;

/** A column of a table as features. */
public sealed interface Column permits NumberColumn, CategoryColumn {
  String name();

  /** Names of its features, in the order in which they follow each other; perhaps none. */
  List<String> features();

  /** The name of a feature that is 1 where a column has no value. */
  static String missing(String column) {
    return column + " is missing";
  }
}
