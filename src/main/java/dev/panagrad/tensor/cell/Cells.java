package dev.panagrad.tensor.cell;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.ValueLayout;

/**
 * Elements of F32 and F64 tensors in host memory, for loops over tensors that have been checked: no
 * call looks at type, extents or whether the tensor may be written, and only the memory itself says
 * whether it is alive.
 */
public final class Cells {
  private Cells() {}

  /** The element {@code position} elements after the first, gaps between rows counted. */
  public static double get(Tensor t, long position) {
    return t.dtype() == DType.F32
        ? t.segment().get(ValueLayout.JAVA_FLOAT, t.byteOffset() + position * Float.BYTES)
        : t.segment().get(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES);
  }

  /** Sets what {@link #get} gets, rounded to the element type. */
  public static void set(Tensor t, long position, double value) {
    if (t.dtype() == DType.F32) {
      long at = t.byteOffset() + position * Float.BYTES;
      t.segment().set(ValueLayout.JAVA_FLOAT, at, (float) value);
    } else {
      t.segment().set(ValueLayout.JAVA_DOUBLE, t.byteOffset() + position * Double.BYTES, value);
    }
  }
}
