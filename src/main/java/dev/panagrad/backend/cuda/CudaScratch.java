package dev.panagrad.backend.cuda;

/** Working memory of a kernel that grows to the largest size asked for and is then kept. */
final class CudaScratch {
  private final CudaMemory memory;
  private final String name;
  private CudaStorage storage;

  CudaScratch(CudaMemory memory, String name) {
    this.memory = memory;
    this.name = name;
  }

  long bytes() {
    return storage == null ? 0 : storage.bytes();
  }

  /**
   * The address of at least that many bytes, with any content. Throws {@link
   * dev.panagrad.backend.DeviceMemoryException} if there is not enough memory.
   */
  long address(long bytes) {
    if (storage == null || storage.bytes() < bytes) {
      if (storage != null) {
        CudaStorage old = storage;
        storage = null;
        memory.release(old, "it grew");
      }
      storage = memory.allocate("scratch: " + name, bytes, false);
    }
    return storage.address();
  }
}
