package dev.panagrad.tensor;

/** Whether two tensors share a byte, of which it is known that their spans do. */
final class Overlap {
  private Overlap() {}

  /** From the first byte of a to that of b there are {@code distance} bytes. */
  static boolean ofSpans(Tensor a, Tensor b, long distance) {
    boolean isDevice = !(a.isHost() && b.isHost());
    if (a.count() == 0 || b.count() == 0 || (isDevice && a.storage() != b.storage())) {
      return false;
    }
    long stride = a.rowStride() * a.dtype().bytes();
    if (stride != b.rowStride() * b.dtype().bytes()) {
      return true;
    }
    // Rows repeat every stride: where in a's row, or in its gap, does b begin?
    long begin = Math.floorMod(distance, stride);
    return begin < a.cols() * a.dtype().bytes() || begin + b.cols() * b.dtype().bytes() > stride;
  }
}
