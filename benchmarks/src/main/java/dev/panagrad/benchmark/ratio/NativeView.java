package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** A tensor's memory as foreign functions get it. */
final class NativeView {
  private NativeView() {}

  /**
   * A view without a life of its own: a call then need not keep the arena open, which would add two
   * atomic operations per argument to the peer's time. The arena must outlive it.
   */
  static MemorySegment of(Tensor tensor) {
    return MemorySegment.ofAddress(tensor.segment().address() + tensor.byteOffset())
        .reinterpret(tensor.spanBytes());
  }
}
