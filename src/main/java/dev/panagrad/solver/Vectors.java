package dev.panagrad.solver;

/** Sums over vectors on the heap, in double precision: what methods do between passes. */
final class Vectors {
  private Vectors() {}

  static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  static double norm(double[] a) {
    return Math.sqrt(dot(a, a));
  }

  /** The same norm, of a gradient, unless it overflows: no step could be judged by it then. */
  static double requireFinite(double norm) {
    if (!Double.isFinite(norm)) {
      throw new ArithmeticException(
          "the gradient is too large: the square of its length is not finite; give the target, or the features, another unit");
    }
    return norm;
  }

  static void requireLength(String what, double[] found, int needed) {
    if (found.length != needed) {
      throw new IllegalArgumentException(
          "%d %s are needed, found %d".formatted(needed, what, found.length));
    }
  }

  static void requireSystem(double[][] a, double[] b) {
    if (a.length != b.length) {
      throw new IllegalArgumentException(
          "a matrix of %d rows needs a right side of as many, found %d"
              .formatted(a.length, b.length));
    }
    for (double[] row : a) {
      requireLength("columns of a square matrix", row, a.length);
    }
  }

  static void add(double factor, double[] x, double[] y) {
    for (int i = 0; i < y.length; i++) {
      y[i] += factor * x[i];
    }
  }
}
