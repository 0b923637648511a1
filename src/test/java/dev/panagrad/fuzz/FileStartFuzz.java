package dev.panagrad.fuzz;

/** Files without an ending, which their first bytes name, compressed ones among them. */
public final class FileStartFuzz {
  /** What is compressed takes memory by its own bytes. */
  private static final int ALLOCATED_PER_BYTE = 1 << 20;

  private FileStartFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x", bytes, ALLOCATED_PER_BYTE);
  }
}
