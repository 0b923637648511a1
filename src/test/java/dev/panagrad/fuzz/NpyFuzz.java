package dev.panagrad.fuzz;

/** NumPy arrays. */
public final class NpyFuzz {
  private static final int ALLOCATED_PER_BYTE = 500;

  private NpyFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.npy", bytes, ALLOCATED_PER_BYTE);
  }
}
