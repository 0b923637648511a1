package dev.panagrad.backend;

/** Whether a matrix operand is used as it is stored or transposed. */
public enum Transpose {
  /** As stored. */
  NO,
  /** Rows and columns exchanged. */
  YES
}
