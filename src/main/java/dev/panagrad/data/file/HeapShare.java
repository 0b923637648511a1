package dev.panagrad.data.file;

import dev.panagrad.data.DataException;

/**
 * Memory that a file's description of its columns may take, as estimated by who reads it: half of
 * the heap, for the rest of the program needs the other.
 */
public final class HeapShare {
  private final long most = Runtime.getRuntime().maxMemory() / 2;
  private long taken; // bytes

  /** Takes so many bytes; a DataException if they are more than are left. */
  public void take(long bytes) {
    taken += bytes;
    if (taken > most) {
      throw new DataException(
          "the description of its columns takes more than half of the heap, %,d bytes; start java with a larger heap (-Xmx)"
              .formatted(most));
    }
  }
}
