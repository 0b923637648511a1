package dev.panagrad.random;

import dev.panagrad.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.BitSet;

/**
 * What a tensor is to be, by arithmetic of its own: where each of its elements is among the bytes
 * of a memory.
 */
final class TensorModel {
  private final DType dtype;
  private final long start;
  private final long stride;
  private final long[] extents;

  /**
   * A model.
   *
   * @param start byte of the first element
   * @param stride elements between the starts of two rows
   */
  TensorModel(DType dtype, long start, long stride, long... extents) {
    this.dtype = dtype;
    this.start = start;
    this.stride = stride;
    this.extents = extents;
  }

  static TensorModel contiguous(DType dtype, long start, long... extents) {
    return new TensorModel(dtype, start, cols(extents), extents);
  }

  DType dtype() {
    return dtype;
  }

  long start() {
    return start;
  }

  long stride() {
    return stride;
  }

  long[] extents() {
    return extents;
  }

  long rows() {
    return extents[0];
  }

  long cols() {
    return cols(extents);
  }

  private static long cols(long[] extents) {
    long cols = 1;
    for (int i = 1; i < extents.length; i++) {
      cols *= extents[i];
    }
    return cols;
  }

  long count() {
    return rows() * cols();
  }

  boolean isContiguous() {
    return rows() <= 1 || stride == cols();
  }

  /** The byte where an element begins, by its number in row-major order. */
  long at(long index) {
    return at(index / cols(), index % cols());
  }

  long at(long row, long col) {
    return start + (row * stride + col) * dtype.bytes();
  }

  boolean isInside(long index) {
    return index >= 0 && index < count();
  }

  boolean isInside(long row, long col) {
    return row >= 0 && row < rows() && col >= 0 && col < cols();
  }

  /** Whether the type holds the value, perhaps rounded. */
  static boolean accepts(DType dtype, double value) {
    return switch (dtype) {
      case F32, F64, BF16 -> true;
      case I64 -> value == Math.rint(value) && value >= -0x1p63 && value < 0x1p63;
      case U8 -> value == Math.rint(value) && value >= 0 && value <= 255;
    };
  }

  /** Writes an element into an image of the memory. */
  void store(MemorySegment image, long at, double value) {
    switch (dtype) {
      case F32 -> image.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) value);
      case F64 -> image.set(ValueLayout.JAVA_DOUBLE_UNALIGNED, at, value);
      case I64 -> image.set(ValueLayout.JAVA_LONG_UNALIGNED, at, (long) value);
      case BF16 -> image.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, bf16(value));
      case U8 -> image.set(ValueLayout.JAVA_BYTE, at, (byte) (int) value);
    }
  }

  double load(MemorySegment image, long at) {
    return switch (dtype) {
      case F32 -> image.get(ValueLayout.JAVA_FLOAT_UNALIGNED, at);
      case F64 -> image.get(ValueLayout.JAVA_DOUBLE_UNALIGNED, at);
      case I64 -> image.get(ValueLayout.JAVA_LONG_UNALIGNED, at);
      case BF16 ->
          Float.intBitsToFloat(image.get(ValueLayout.JAVA_SHORT_UNALIGNED, at) << Short.SIZE);
      case U8 -> image.get(ValueLayout.JAVA_BYTE, at) & 0xFF;
    };
  }

  /** The nearer of the two neighbors among BF16 numbers, the even one of two that are as near. */
  static short bf16(double value) {
    float single = (float) value;
    if (Math.abs((double) single) > Math.abs(value)) {
      single = Math.nextAfter(single, 0.0);
    }
    int below = Float.floatToRawIntBits(single) & 0xFFFF0000;
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      return (short) (below >>> Short.SIZE);
    }
    int above = below + 0x10000;
    double down = Math.abs(value - Float.intBitsToFloat(below));
    double top = Float.intBitsToFloat(above);
    // The number after the largest is as far as if the exponents went on.
    double up = Math.abs(Math.abs(value) - (Double.isInfinite(top) ? 0x1p128 : Math.abs(top)));
    boolean isUp = up < down || (up == down && (below & 0x10000) != 0);
    return (short) ((isUp ? above : below) >>> Short.SIZE);
  }

  /** Whether both have a byte in common, found byte by byte. */
  boolean shares(TensorModel other) {
    return bytes().intersects(other.bytes());
  }

  private BitSet bytes() {
    BitSet bytes = new BitSet();
    for (long row = 0; row < rows(); row++) {
      int from = Math.toIntExact(at(row, 0));
      bytes.set(from, from + Math.toIntExact(cols() * dtype.bytes()));
    }
    return bytes;
  }

  /** Whether the spans from first to last byte have a byte in common. */
  boolean spansMeet(TensorModel other) {
    return count() > 0 && other.count() > 0 && start < other.end() && other.start < end();
  }

  private long end() {
    return at(count() - 1) + dtype.bytes();
  }

  @Override
  public String toString() {
    return "%s%s from byte %d, row stride %d"
        .formatted(dtype, Arrays.toString(extents), start, stride);
  }
}
