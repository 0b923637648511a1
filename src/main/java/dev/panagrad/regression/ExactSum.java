package dev.panagrad.regression;

/**
 * A sum of products with twice the digits of F64: each product and each sum keeps what rounding
 * takes (Ogita, Rump and Oishi 2005, Accurate sum and dot product, algorithm 5.3).
 */
final class ExactSum {
  private double high;
  private double low;

  void add(double a, double b) {
    double product = a * b;
    double ofProduct = Math.fma(a, b, -product);
    double sum = high + product;
    double part = sum - high;
    low += (high - (sum - part)) + (product - part) + ofProduct;
    high = sum;
  }

  double value() {
    return high + low;
  }
}
