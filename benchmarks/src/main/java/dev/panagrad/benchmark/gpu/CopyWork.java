package dev.panagrad.benchmark.gpu;

import dev.panagrad.benchmark.ratio.Contender;
import dev.panagrad.tensor.Tensor;

/**
 * Copies from one tensor of the device to another until as many bytes have been read and written as
 * the work beside it reads and writes: its time is what that work's would be at the copy rate.
 */
final class CopyWork implements Contender {
  /** Read and written per element. */
  private static final long ELEMENT_BYTES = 2 * Float.BYTES;

  private final Device device;
  private final Tensor from;
  private final Tensor to;
  private final long bytes;

  /** Moves that many bytes per repetition. */
  CopyWork(Device device, Tensor from, Tensor to, long bytes) {
    this.device = device;
    this.from = from;
    this.to = to;
    this.bytes = bytes;
  }

  @Override
  public void repeat(long times) {
    long elements = times * bytes / ELEMENT_BYTES;
    long left = elements;
    for (; left >= from.count(); left -= from.count()) {
      device.backend.copy(from, to);
    }
    if (left > 0) {
      device.backend.copy(from.slice(0, left), to.slice(0, left));
    }
    device.await();
  }
}
