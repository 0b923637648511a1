package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.DeviceStorage;
import dev.panagrad.tensor.Tensor;

/**
 * Memory of a CUDA device: an address that only the driver's calls and kernels may use.
 *
 * <p>Ownership: a {@code TensorArena} closes it; the backend closes what is left when it is closed.
 */
final class CudaStorage extends DeviceStorage implements AutoCloseable {
  private final CudaMemory memory;
  private final long address;
  private volatile String released;
  // True for I64 elements, which gradients take as row numbers.
  private final boolean holdsRows;

  // Bounds of all row numbers that were copied here, and of 0, with which memory begins.
  private long leastRow;
  private long largestRow;

  CudaStorage(CudaMemory memory, String deviceName, long address, long bytes, boolean holdsRows) {
    super(deviceName, bytes);
    this.memory = memory;
    this.address = address;
    this.holdsRows = holdsRows;
  }

  /**
   * Throws unless elements of that type may be here. Kernels read row numbers unchecked, so that
   * memory for them never holds anything else.
   */
  void requireHolds(Tensor t) {
    if ((t.dtype() == DType.I64) != holdsRows) {
      throw new IllegalArgumentException(
          "tensor '%s' views device memory that was allocated for %s as %s; allocate row numbers with Backend.place or Backend.allocate"
              .formatted(t.name(), holdsRows ? "I64" : "other elements than I64", t.dtype()));
    }
  }

  long address() {
    return address;
  }

  boolean isOf(CudaMemory other) {
    return memory == other;
  }

  /** Numbers in this range have been copied here, or have taken the place of all that was. */
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
      memory.requireOpen();
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

  /** False if it was marked before. */
  boolean markReleased(String why) {
    if (released != null) {
      return false;
    }
    released = why;
    return true;
  }
}
