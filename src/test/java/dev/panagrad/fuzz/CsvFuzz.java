package dev.panagrad.fuzz;

/** CSV files. */
public final class CsvFuzz {
  private static final int ALLOCATED_PER_BYTE = 500;

  private CsvFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.csv", bytes, ALLOCATED_PER_BYTE);
  }
}
