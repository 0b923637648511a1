package dev.panagrad.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Elements of tensors in host memory as doubles. */
final class Elements {
  private static final int LARGEST_ARRAY = Integer.MAX_VALUE - 8;

  private Elements() {}

  static double load(DType dtype, MemorySegment from, long offset) {
    return switch (dtype) {
      case F32 -> from.get(ValueLayout.JAVA_FLOAT, offset);
      case F64 -> from.get(ValueLayout.JAVA_DOUBLE, offset);
      case I64 -> from.get(ValueLayout.JAVA_LONG, offset);
      case BF16 -> Bf16.toFloat(from.get(ValueLayout.JAVA_SHORT, offset));
      case U8 -> Byte.toUnsignedInt(from.get(ValueLayout.JAVA_BYTE, offset));
    };
  }

  static void store(String tensor, DType dtype, MemorySegment to, long offset, double value) {
    require(tensor, dtype, value);
    switch (dtype) {
      case F32 -> to.set(ValueLayout.JAVA_FLOAT, offset, (float) value);
      case F64 -> to.set(ValueLayout.JAVA_DOUBLE, offset, value);
      case I64 -> to.set(ValueLayout.JAVA_LONG, offset, (long) value);
      case BF16 -> to.set(ValueLayout.JAVA_SHORT, offset, Bf16.nearest(value));
      case U8 -> to.set(ValueLayout.JAVA_BYTE, offset, (byte) (int) value);
    }
  }

  /** Throws {@link IllegalArgumentException} if the type is one of integers without that value. */
  static void require(String tensor, DType dtype, double value) {
    boolean isThere =
        switch (dtype) {
          case I64 -> value == Math.rint(value) && value >= -0x1p63 && value < 0x1p63;
          case U8 -> value == Math.rint(value) && value >= 0 && value <= 255;
          case F32, F64, BF16 -> true;
        };
    if (!isThere) {
      throw new IllegalArgumentException(
          "tensor '%s' holds %s: %s is not %s"
              .formatted(
                  tensor,
                  dtype,
                  value,
                  dtype == DType.I64 ? "a 64-bit integer" : "an integer from 0 to 255"));
    }
  }

  static void copy(Tensor source, Tensor target) {
    DType dtype = target.dtype();
    target.requireShape(source.shape());
    source.requireHost();
    target.requireHost();
    target.requireWritable();
    boolean isWhole = target.isContiguous() && source.isContiguous();
    if (!isWhole || dtype != source.dtype()) {
      target.requireDisjoint(source);
    }
    if (target.count() == 0) {
      return;
    }
    if (dtype == source.dtype()) {
      // Bytes, not doubles: an I64 need not be one.
      long parts = isWhole ? 1 : target.rows();
      long bytes = target.count() / parts * dtype.bytes();
      for (long i = 0; i < parts; i++) {
        MemorySegment.copy(
            source.segment(),
            source.byteOffset() + i * source.rowStride() * dtype.bytes(),
            target.segment(),
            target.byteOffset() + i * target.rowStride() * dtype.bytes(),
            bytes);
      }
      return;
    }
    if (dtype == DType.I64 || dtype == DType.U8) {
      for (long i = 0; i < source.count(); i++) {
        require(target.name(), dtype, source.get(i));
      }
    }
    for (long row = 0; row < target.rows(); row++) {
      for (long col = 0; col < target.cols(); col++) {
        target.set(row, col, source.get(row, col));
      }
    }
  }

  static double[] toArray(Tensor source) {
    if (source.count() > LARGEST_ARRAY) {
      throw new IllegalArgumentException(
          "tensor '%s' of shape %s has more elements than an array"
              .formatted(source.name(), source.shape()));
    }
    double[] values = new double[(int) source.count()];
    for (int i = 0; i < values.length; i++) {
      values[i] = source.get(i);
    }
    return values;
  }
}
