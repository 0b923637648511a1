package dev.panagrad.tensor;

/**
 * The memory behind one or more tensors: {@link HostStorage} is native memory of this process,
 * {@link DeviceStorage} belongs to a device and can never be dereferenced from Java.
 */
public sealed interface Storage permits HostStorage, DeviceStorage {
  /** An arena owns the memory that it frees. */
  interface Owner {
    /** Ties something to the memory's life: it is closed before that is freed, newest first. */
    void attach(AutoCloseable resource);
  }

  /** Returns the size in bytes. */
  long bytes();

  /** Throws, naming the tensor, if memory is released or the calling thread may not touch it. */
  void requireUsable(String tensorName);
}
