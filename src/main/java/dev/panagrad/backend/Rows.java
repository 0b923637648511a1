package dev.panagrad.backend;

import dev.panagrad.tensor.DType;

/** Rows of data with targets are what gradients read. */
public sealed interface Rows permits DenseRows {
  /** Returns the number of rows n. */
  long count();

  /** Returns the number of features d of a row. */
  long features();

  /** Returns the number of targets k of a row. */
  long outputs();

  /** Returns the element type: F32 or F64. */
  DType dtype();
}
