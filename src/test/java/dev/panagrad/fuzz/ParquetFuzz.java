package dev.panagrad.fuzz;

/** Parquet files, by hardwood behind checks of ours. */
public final class ParquetFuzz {
  private static final int ALLOCATED_PER_BYTE = 4000;

  private ParquetFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.parquet", bytes, ALLOCATED_PER_BYTE);
  }
}
