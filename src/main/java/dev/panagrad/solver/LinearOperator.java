package dev.panagrad.solver;

/** A matrix of which only products with vectors are known. */
@FunctionalInterface
public interface LinearOperator {
  /**
   * Writes the product with {@code vector} into {@code product}.
   *
   * @param vector not changed
   */
  void multiply(double[] vector, double[] product);
}
