package dev.panagrad.rule;

/**
 * Powers {@code base^exponent} for step after step: one {@link Math#pow} per {@value #SPAN} steps
 * and a product otherwise, so that a step of few parameters does not spend its time on two powers.
 *
 * <p>The result depends on base and exponent only, so that a resumed run has the same bits; below
 * {@value #SPAN} it is that of {@code Math.pow}, and from there within 4 ulp.
 */
final class Powers {
  private static final int SPAN = 64;
  private final double[] low = new double[SPAN]; // base^i
  private double base = Double.NaN;
  private double anchor; // base^(SPAN * block)
  private long block = -1;

  double of(double newBase, long exponent) {
    if (exponent < 0) {
      throw new IllegalArgumentException("steps count from 1, found " + exponent);
    }
    if (newBase != base) {
      for (int i = 0; i < SPAN; i++) {
        low[i] = Math.pow(newBase, i);
      }
      base = newBase;
      block = -1;
    }
    long newBlock = exponent / SPAN;
    if (newBlock != block) {
      anchor = Math.pow(base, (double) SPAN * newBlock);
      block = newBlock;
    }
    return anchor * low[(int) (exponent % SPAN)];
  }
}
