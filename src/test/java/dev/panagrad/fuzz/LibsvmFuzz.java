package dev.panagrad.fuzz;

/** LIBSVM files. */
public final class LibsvmFuzz {
  private static final int ALLOCATED_PER_BYTE = 3000;

  private LibsvmFuzz() {}

  /** The bytes are the file. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    TableReading.check("x.svm", bytes, ALLOCATED_PER_BYTE);
  }
}
