package dev.panagrad.backend;

/** Says whether a matrix operand is used as it is stored or transposed. */
public enum Transpose {
  /** The operand is used as it is stored. */
  NO,
  /** Rows and columns are exchanged. */
  YES
}
