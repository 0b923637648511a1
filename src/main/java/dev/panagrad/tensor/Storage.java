package dev.panagrad.tensor;

/**
 * The memory behind one or more tensors: {@link HostStorage} is native memory of this process,
 * {@link DeviceStorage} belongs to a device and can never be dereferenced from Java.
 */
public sealed interface Storage permits HostStorage, DeviceStorage {
  /** An arena, to memory that it frees. */
  interface Owner {
    /**
     * Ties something else to the life of the memory: it is closed before memory is freed, newest
     * first.
     */
    void attach(AutoCloseable resource);
  }

  /** Size in bytes. */
  long bytes();

  /**
   * Throws if the memory has been released or the calling thread may not touch it.
   *
   * @param tensorName the tensor on whose behalf the check is made, for the message
   */
  void requireUsable(String tensorName);
}
