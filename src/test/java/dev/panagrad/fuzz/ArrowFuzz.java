package dev.panagrad.fuzz;

/** Arrow files and streams. */
public final class ArrowFuzz {
  private static final int ALLOCATED_PER_BYTE = 4000;

  private ArrowFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.arrow", bytes, ALLOCATED_PER_BYTE);
  }
}
