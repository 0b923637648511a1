package dev.panagrad.fuzz;

/** NumPy archives. */
public final class NpzFuzz {
  private static final int ALLOCATED_PER_BYTE = 3000;

  private NpzFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.npz", bytes, ALLOCATED_PER_BYTE);
  }
}
