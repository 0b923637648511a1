package dev.panagrad.solver;

/** A matrix is known by its products with vectors alone. */
@FunctionalInterface
public interface LinearOperator {
  /** Writes the product with {@code vector}, which stays as it is, into {@code product}. */
  void multiply(double[] vector, double[] product);
}
