package dev.panagrad.backend;

import java.util.Objects;

/**
 * Options say how to open a backend, which ignores those that it has no use for.
 *
 * @param threads compute threads, the caller's included, at least 1; results do not depend on it
 * @param device index of the device, from 0, for backends with devices
 * @param deviceMemory bytes of device memory that may be allocated, at least 1
 * @param math precision of matrix products on a device
 */
public record BackendOptions(int threads, int device, long deviceMemory, MathMode math) {
  /** More threads than this are a mistake, not a machine. */
  public static final int MAX_THREADS = 4096;

  /** This amount of memory stands for all that is free. */
  public static final long ALL_MEMORY = Long.MAX_VALUE;

  /** Checks the ranges. */
  public BackendOptions {
    if (threads < 1 || threads > MAX_THREADS) {
      throw new IllegalArgumentException(
          "threads must be in [1, " + MAX_THREADS + "], found " + threads);
    }
    if (device < 0) {
      throw new IllegalArgumentException("device must be at least 0, found " + device);
    }
    if (deviceMemory < 1) {
      throw new IllegalArgumentException(
          "device memory must be at least 1 byte, found " + deviceMemory);
    }
    Objects.requireNonNull(math, "math");
  }

  /** Asks for that many threads; the first device, all its memory, products in F32. */
  public BackendOptions(int threads) {
    this(threads, 0, ALL_MEMORY, MathMode.F32);
  }

  /** Returns options of one thread per processor available to this process. */
  public static BackendOptions defaults() {
    return new BackendOptions(Math.min(Runtime.getRuntime().availableProcessors(), MAX_THREADS));
  }

  /** Returns these options with that many threads. */
  public BackendOptions withThreads(int newThreads) {
    return new BackendOptions(newThreads, device, deviceMemory, math);
  }

  /** Returns these options with that device. */
  public BackendOptions withDevice(int newDevice) {
    return new BackendOptions(threads, newDevice, deviceMemory, math);
  }

  /** Returns these options with at most that many bytes of device memory. */
  public BackendOptions withDeviceMemory(long bytes) {
    return new BackendOptions(threads, device, bytes, math);
  }

  /** Returns these options with products in that precision. */
  public BackendOptions withMath(MathMode newMath) {
    return new BackendOptions(threads, device, deviceMemory, newMath);
  }
}
