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
    double highA = high(a);
    double highB = high(b);
    double lowA = a - highA;
    double lowB = b - highB;
    double ofProduct = lowA * lowB - (((product - highA * highB) - lowA * highB) - highA * lowB);
    double sum = high + product;
    double part = sum - high;
    low += (high - (sum - part)) + (product - part) + ofProduct;
    high = sum;
  }

  /** The upper half of the digits (Dekker 1971); without it for values beyond 1e300. */
  private static double high(double x) {
    double large = 0x1p27 * x + x;
    double upper = large - (large - x);
    return Double.isFinite(upper) ? upper : x;
  }

  double value() {
    return high + low;
  }
}
