package dev.panagrad.backend;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
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

  static Tensor flat(Tensor vector) {
    return vector.shape().rank() == 1 ? vector : vector.reshape(vector.count());
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

  static void fit(DenseRows rows, Linear model, Gradient into) {
    rows.x().requireDType(model.dtype());
    columns(model.w(), rows.x());
    if (rows.outputs() != model.outputs()) {
      table(rows.y(), rows.dtype(), rows.count(), model.outputs());
    }
    into.requireFits(model);
  }

  static void columns(Tensor w, Tensor x) {
    if (w.cols() != x.cols()) {
      throw new IllegalArgumentException(
          "weights '%s' have shape %s for %,d features, '%s' has %,d columns"
              .formatted(w.name(), w.shape(), w.cols(), x.name(), x.cols()));
    }
  }

  static void range(String call, Tensor t, long size, long first, long count) {
    if (first < 0 || count < 0 || first > size - count) {
      throw new IndexOutOfBoundsException(
          "%s: rows [%d, %d + %d) are not inside tensor '%s' of %,d rows"
              .formatted(call, first, first, count, t.name(), size));
    }
  }

  /** Checks both extents of a matrix; makes no shape where they fit. */
  static void size(Tensor t, long rows, long cols) {
    if (t.rows() != rows || t.cols() != cols) {
      t.requireShape(Shape.of(rows, cols));
    }
  }
}
