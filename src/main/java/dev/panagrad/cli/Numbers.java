package dev.panagrad.cli;

import java.util.Arrays;

/** Numbers in the text of an option. */
final class Numbers {
  private Numbers() {}

  /** The numbers between commas; none if any part is no number. */
  static double[] of(String text) {
    try {
      return Arrays.stream(text.split(",", -1)).mapToDouble(Double::parseDouble).toArray();
    } catch (NumberFormatException e) {
      return new double[0];
    }
  }
}
