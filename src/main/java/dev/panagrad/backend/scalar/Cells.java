package dev.panagrad.backend.scalar;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.ValueLayout;

/** Elements of a contiguous range as doubles, for both element types. */
enum Cells {
  F32 {
    @Override
    double get(Tensor t, long position) {
      return t.segment().get(ValueLayout.JAVA_FLOAT, t.byteOffset() + position * Float.BYTES);
    }

    @Override
    void set(Tensor t, long position, double value) {
      t.segment()
          .set(ValueLayout.JAVA_FLOAT, t.byteOffset() + position * Float.BYTES, (float) value);
    }
  },
  F64 {
    @Override
    double get(Tensor t, long position) {
      return t.segment().get(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES);
    }

    @Override
    void set(Tensor t, long position, double value) {
      t.segment().set(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES, value);
    }
  };

  static Cells of(Tensor t) {
    return t.dtype() == DType.F32 ? F32 : F64;
  }

  /** The element that many elements after the tensor's first, gaps between rows counted. */
  abstract double get(Tensor t, long position);

  /** Sets it, rounded to the element type. */
  abstract void set(Tensor t, long position, double value);
}
