package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DeviceStorage;

/**
 * Memory of a CUDA device: an address that only the driver's calls and kernels may use.
 *
 * <p>Ownership: a {@code TensorArena} closes it; the backend closes what is left when it is closed.
 */
final class CudaStorage extends DeviceStorage implements AutoCloseable {
  private final CudaMemory memory;
  private final long address;
  private volatile String released;

  /** Of row numbers: the least and the largest that may be here, 0 included. */
  private long leastRow;

  private long largestRow;

  CudaStorage(CudaMemory memory, String deviceName, long address, long bytes) {
    super(deviceName, bytes);
    this.memory = memory;
    this.address = address;
  }

  long address() {
    return address;
  }

  boolean isOf(CudaMemory other) {
    return memory == other;
  }

  /**
   * Row numbers in this range have been copied here.
   *
   * @param everywhere whether they took the place of all that was here
   */
  void holdRows(long least, long largest, boolean everywhere) {
    leastRow = everywhere ? least : Math.min(leastRow, least);
    largestRow = everywhere ? largest : Math.max(largestRow, largest);
  }

  long leastRow() {
    return leastRow;
  }

  long largestRow() {
    return largestRow;
  }

  @Override
  public void requireUsable(String tensorName) {
    String why = released;
    if (why != null) {
      throw new IllegalStateException(
          "tensor '" + tensorName + "' on " + deviceName() + " was used after " + why);
    }
  }

  @Override
  public String toString() {
    return "%,d bytes on %s".formatted(bytes(), deviceName());
  }

  @Override
  public void close() {
    memory.release(this, "its arena was closed");
  }

  /** Marks it; returns whether it had not been marked before. */
  boolean markReleased(String why) {
    if (released != null) {
      return false;
    }
    released = why;
    return true;
  }
}
