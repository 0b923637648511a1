package dev.panagrad.solver;

/** Multiplies vectors by a matrix, which need not be formed. */
@FunctionalInterface
public interface LinearOperator {
  /** Writes the product with {@code vector}, which stays as it is, into {@code product}. */
  void multiply(double[] vector, double[] product);
}
