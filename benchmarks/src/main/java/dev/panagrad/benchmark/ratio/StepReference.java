package dev.panagrad.benchmark.ratio;

/** One parameter under a rule, in double precision, written as the papers have it. */
final class StepReference {
  private static final double RATE = 1e-3;
  private static final double EPSILON = 1e-8;

  private final StepRule rule;
  double p;
  double s0;
  double s1;

  StepReference(StepRule rule) {
    this.rule = rule;
  }

  /** Makes the first {@code steps} steps from there with one gradient. */
  void run(double start, double g, int steps) {
    p = start;
    s0 = 0;
    s1 = 0;
    for (int step = 1; step <= steps; step++) {
      switch (rule) {
        case ADAM -> {
          s0 = 0.9 * s0 + 0.1 * g;
          s1 = 0.999 * s1 + 0.001 * g * g;
          double mean = s0 / (1 - power(0.9, step));
          double square = s1 / (1 - power(0.999, step));
          p -= RATE * mean / (Math.sqrt(square) + EPSILON);
        }
        case MOMENTUM -> {
          s0 = 0.9 * s0 + g;
          p -= RATE * s0;
        }
        case RMSPROP -> {
          s0 = 0.99 * s0 + 0.01 * g * g;
          p -= RATE * g / (Math.sqrt(s0) + EPSILON);
        }
      }
    }
  }

  private static double power(double base, int exponent) {
    double product = 1;
    for (int i = 0; i < exponent; i++) {
      product *= base;
    }
    return product;
  }
}
