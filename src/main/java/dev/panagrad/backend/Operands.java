package dev.panagrad.backend;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/** Checks of operands, each with a message that names tensor, shape and need. */
final class Operands {
  private Operands() {}

  static DType floating(Tensor t) {
    if (!t.dtype().isFloating()) {
      throw new IllegalArgumentException(
          "tensor '" + t.name() + "' is " + t.dtype() + " where F32 or F64 is needed");
    }
    return t.dtype();
  }

  static void matrix(Tensor t, DType dtype) {
    t.requireDType(dtype);
    if (t.shape().rank() != 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where a matrix is needed".formatted(t.name(), t.shape()));
    }
  }

  static void vector(Tensor t, DType dtype) {
    t.requireDType(dtype);
    t.requireContiguous();
  }

  static void vector(Tensor t, DType dtype, long count) {
    vector(t, dtype);
    t.requireCount(count);
  }

  /** A matrix [rows, cols], or a vector [rows] if cols is 1; any row stride. */
  static void table(Tensor t, DType dtype, long rows, long cols) {
    t.requireDType(dtype);
    if (t.rows() != rows || t.cols() != cols || t.shape().rank() > 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where [%d, %d] is needed"
              .formatted(t.name(), t.shape(), rows, cols));
    }
  }

  /** Throws unless both are in host memory, or both on a device. */
  static void together(Tensor t, Tensor other) {
    if (other != null && t.isHost() != other.isHost()) {
      throw new IllegalArgumentException(
          "gradient: '%s' is %s and '%s' %s; both must be on the device, or both in host memory"
              .formatted(t.name(), where(t), other.name(), where(other)));
    }
  }

  private static String where(Tensor t) {
    return t.isHost() ? "in host memory" : "on the device";
  }
}
