package dev.panagrad.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A few rows of data. */
final class SmallData {
  /** Columns a, b, c; y = 2a - 3b + 0.5c + 1 and z = -a + 4b + 7, without noise. */
  static final int ROWS = 12;

  private SmallData() {}

  static double a(int row) {
    return (row * 7) % 12 - 3;
  }

  static double b(int row) {
    return 0.5 * ((row * 5) % 11);
  }

  static double c(int row) {
    return (row * row) % 7;
  }

  static double y(int row) {
    return 2 * a(row) - 3 * b(row) + 0.5 * c(row) + 1;
  }

  static double z(int row) {
    return -a(row) + 4 * b(row) + 7;
  }

  /** Writes the rows. */
  static Path write(Path folder) {
    StringBuilder text = new StringBuilder("a,b,c,y,z\n");
    for (int row = 0; row < ROWS; row++) {
      text.append("%s,%s,%s,%s,%s%n".formatted(a(row), b(row), c(row), y(row), z(row)));
    }
    return write(folder, text.toString());
  }

  /** Writes a text as the file data.csv. */
  static Path write(Path folder, String text) {
    try {
      return Files.writeString(folder.resolve("data.csv"), text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
