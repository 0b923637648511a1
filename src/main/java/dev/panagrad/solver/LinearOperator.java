package dev.panagrad.solver;

/** A matrix of which only products with vectors are known. */
@FunctionalInterface
public interface LinearOperator {
  /** Writes the product with {@code vector}, which stays as it is, into {@code product}. */
  void multiply(double[] vector, double[] product);
}
