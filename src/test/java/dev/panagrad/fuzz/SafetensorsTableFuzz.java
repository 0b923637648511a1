package dev.panagrad.fuzz;

/** Safetensors files as tables. */
public final class SafetensorsTableFuzz {
  private static final int ALLOCATED_PER_BYTE = 2000;

  private SafetensorsTableFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.safetensors", bytes, ALLOCATED_PER_BYTE);
  }
}
