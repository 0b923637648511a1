package dev.panagrad.random;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Tensors side by side in one piece of native memory, guard bytes around each, whose bytes can be
 * remembered, put back and compared.
 *
 * <pre>
 *   | guard | tensor, or rows with gaps of guard bytes | guard | tensor | guard | ...
 *   |<------------------------------- used -------------------------------->|
 * </pre>
 *
 * Guard bytes are all ones: a NaN in both floating types and no row number, so that a kernel that
 * reads them gives itself away.
 */
final class GuardedMemory implements AutoCloseable {
  private static final byte GUARD = -1;
  private static final long AROUND = 64;

  private final Arena arena = Arena.ofShared();
  private final MemorySegment all;
  private final MemorySegment before;
  private final List<Tensor> tensors = new ArrayList<>();
  private final MemorySegment kept;
  private final boolean hasExactSegments;
  private long used;

  GuardedMemory(long bytes) {
    this(bytes, false);
  }

  /**
   * A memory of that many bytes.
   *
   * @param hasExactSegments whether every tensor's segment ends where it does: for a device that is
   *     mirrored, which copies whole segments
   */
  GuardedMemory(long bytes, boolean hasExactSegments) {
    this.hasExactSegments = hasExactSegments;
    all = arena.allocate(bytes, 4096).fill(GUARD);
    before = arena.allocate(bytes, 4096);
    kept = arena.allocate(bytes, 4096);
  }

  /** Forgets all tensors. */
  void clear() {
    all.asSlice(0, used).fill(GUARD);
    tensors.clear();
    used = AROUND;
  }

  /**
   * A contiguous tensor of zeros.
   *
   * @param shift elements by which it is moved from an aligned place
   * @param isExact whether its segment ends where it does; else the segment is all of the memory
   */
  Tensor tensor(String name, DType dtype, int shift, boolean isExact, long... extents) {
    Shape shape = Shape.of(extents);
    long start = place(shape.bytes(dtype), (long) shift * dtype.bytes());
    MemorySegment own = all.asSlice(start, shape.bytes(dtype)).fill((byte) 0);
    Tensor t =
        isExact || hasExactSegments
            ? Tensor.wrap(name, own, dtype, extents)
            : Tensor.wrap(name, all, dtype, all.byteSize() / dtype.bytes())
                .slice(start / dtype.bytes(), extents)
                .named(name);
    tensors.add(t);
    return t;
  }

  /** A matrix of zeros with guard bytes between its rows. */
  Tensor matrix(String name, DType dtype, int shift, long rows, long cols, long gap) {
    if (hasExactSegments && rows * cols == 0) {
      return tensor(name, dtype, shift, true, rows, cols); // a view would begin beyond the end
    }
    Tensor wide = tensor(name, dtype, shift, false, rows, cols + gap);
    all.asSlice(startOf(wide), wide.spanBytes()).fill(GUARD);
    Tensor t = wide.columns(gap / 2, cols);
    t.fill(0);
    tensors.add(t);
    return t;
  }

  private long place(long bytes, long shift) {
    long start = (used + 63) / 64 * 64 + shift;
    long end = start + bytes + AROUND;
    if (end > all.byteSize()) {
      throw new IllegalStateException("a program of more than " + all.byteSize() + " bytes");
    }
    used = end;
    return start;
  }

  /** Remembers all bytes. */
  void remember() {
    MemorySegment.copy(all, 0, before, 0, used);
  }

  /** Puts all bytes back. */
  void restore() {
    MemorySegment.copy(before, 0, all, 0, used);
  }

  /** Keeps all bytes as they are now, beside those that are remembered. */
  void keep() {
    MemorySegment.copy(all, 0, kept, 0, used);
  }

  /** The first byte that is another one than was kept, in words; null if there is none. */
  String differs() {
    long at = MemorySegment.mismatch(all, 0, used, kept, 0, used);
    return at < 0 ? null : "byte %d is another one, %s".formatted(at, whereIs(at));
  }

  /** A tensor that begins where another one does, whatever lies behind it. */
  Tensor over(Tensor other, String name, DType dtype, long... extents) {
    long start = (startOf(other) + dtype.bytes() - 1) / dtype.bytes() * dtype.bytes();
    long bytes = Shape.of(extents).bytes(dtype);
    long from = used;
    used = Math.max(used, start + bytes + AROUND);
    all.asSlice(from, used - from).fill(GUARD);
    return Tensor.wrap(name, all.asSlice(start, bytes), dtype, extents);
  }

  /** Whether a tensor's bytes are here. */
  boolean contains(Tensor t) {
    long start = startOf(t);
    return start >= 0 && start < all.byteSize();
  }

  private long startOf(Tensor t) {
    return t.segment().address() + t.byteOffset() - all.address();
  }

  /** The first byte that was changed outside of these tensors, in words; null if there is none. */
  String changed(List<Tensor> written) {
    List<long[]> spans = new ArrayList<>();
    for (Tensor t : written) {
      if (t.count() > 0) {
        long start = startOf(t);
        long row = t.cols() * t.dtype().bytes();
        long stride = t.rowStride() * t.dtype().bytes();
        if (t.isContiguous()) {
          spans.add(new long[] {start, start + t.spanBytes()});
        } else {
          for (long i = 0; i < t.rows(); i++) {
            spans.add(new long[] {start + i * stride, start + i * stride + row});
          }
        }
      }
    }
    spans.sort(Comparator.comparingLong(span -> span[0]));
    spans.add(new long[] {used, used});
    long from = 0;
    for (long[] span : spans) {
      if (span[0] > from) {
        long at = MemorySegment.mismatch(all, from, span[0], before, from, span[0]);
        if (at >= 0) {
          return "byte %d was changed, %s".formatted(from + at, whereIs(from + at));
        }
      }
      from = Math.max(from, span[1]);
    }
    return null;
  }

  /** Whether a tensor was made since the memory was cleared. */
  boolean holds(Tensor t) {
    return tensors.contains(t);
  }

  /** A place in words. */
  String whereIs(long at) {
    for (Tensor t : tensors) {
      long start = startOf(t);
      if (at >= start - AROUND && at < start + t.spanBytes() + AROUND) {
        return "%d bytes after the start of '%s', whose bytes are %d"
            .formatted(at - start, t.name(), t.spanBytes());
      }
    }
    return "beside all tensors";
  }

  @Override
  public void close() {
    arena.close();
  }
}
