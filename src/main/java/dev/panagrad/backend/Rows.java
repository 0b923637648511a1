package dev.panagrad.backend;

import dev.panagrad.tensor.DType;

/** Rows of data with targets, as gradients read them. */
public sealed interface Rows permits DenseRows {
  /** Number of rows n. */
  long count();

  /** Features of a row d. */
  long features();

  /** Targets of a row k. */
  long outputs();

  /** The element type: F32 or F64. */
  DType dtype();
}
