package dev.panagrad.backend;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.Objects;

/**
 * Holds rows whose features are a matrix. All tensors have one type and are on one side, in host
 * memory or on a device.
 *
 * @param x features [n, d], F32 or F64, any row stride
 * @param y targets [n, k], or [n] for one output; any row stride
 * @param weights factors of the rows' losses [n], or null if all are 1
 * @param offset numbers added to the rows' predictions [n], or null if there are none
 */
public record DenseRows(Tensor x, Tensor y, Tensor weights, Tensor offset) implements Rows {
  /** Throws IllegalArgumentException if a shape, type or side does not fit. */
  public DenseRows {
    Objects.requireNonNull(x, "x");
    Objects.requireNonNull(y, "y");
    DType dtype = Operands.floating(x);
    Operands.matrix(x, dtype);
    y.requireDType(dtype);
    if (y.rows() != x.rows() || y.shape().rank() > 2) {
      throw new IllegalArgumentException(
          "tensor '%s' has shape %s where [%d, outputs] is needed"
              .formatted(y.name(), y.shape(), x.rows()));
    }
    Operands.together(x, y);
    for (Tensor perRow : new Tensor[] {weights, offset}) {
      if (perRow != null) {
        Operands.vector(perRow, dtype, x.rows());
        Operands.together(x, perRow);
      }
    }
  }

  /** Takes rows without weights and offsets. */
  public DenseRows(Tensor x, Tensor y) {
    this(x, y, null, null);
  }

  @Override
  public long count() {
    return x.rows();
  }

  @Override
  public long features() {
    return x.cols();
  }

  @Override
  public long outputs() {
    return y.cols();
  }

  @Override
  public DType dtype() {
    return x.dtype();
  }

  /** True if rows have neither weights nor offsets. */
  public boolean isPlain() {
    return weights == null && offset == null;
  }
}
