package dev.panagrad.loss;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The probability that a row of class 1 has a larger prediction than one of class 0, equal ones
 * counting half (Hanley and McNeil 1982): exactly, from sorted predictions in native memory.
 *
 * <pre>
 *   keys     | class 1, from the front -> ........ <- class 0, from the end |   8 bytes a row
 *   weights  | the same, once one is not 1                                  |   8 bytes a row
 * </pre>
 *
 * A key is a double as an unsigned integer of the same order: the bits of a negative one inverted,
 * of another with the sign set.
 */
final class AreaUnderCurve implements Metrics.Measure {
  private static final ValueLayout.OfLong KEY = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfDouble WEIGHT = ValueLayout.JAVA_DOUBLE;

  private final Arena arena = Arena.ofConfined();
  private final long rows;
  private final long maxBytes;
  private MemorySegment keys;
  private MemorySegment weights; // null while all are 1
  private long ones;
  private long zeros;

  AreaUnderCurve(long rows, long maxBytes) {
    this.rows = rows;
    this.maxBytes = maxBytes;
  }

  private MemorySegment allocate(long bytesPerRow) {
    if (rows > maxBytes / bytesPerRow) {
      throw new IllegalStateException(
          "sorting %,d predictions takes %,d bytes each, and %,d bytes are allowed"
              .formatted(rows, bytesPerRow, maxBytes));
    }
    return arena.allocate(rows * Long.BYTES, Long.BYTES);
  }

  @Override
  public boolean takesAnyWeights() {
    return true;
  }

  @Override
  public void add(double[] z, double[] y, double[] s, int count) {
    if (keys == null) {
      keys = allocate(Long.BYTES);
    }
    if (count > rows - ones - zeros) {
      throw new IllegalStateException(
          "%,d rows were announced, and there are more".formatted(rows));
    }
    for (int i = 0; i < count; i++) {
      if (Double.isNaN(z[i])) {
        throw new ArithmeticException("a prediction is not a number");
      }
      long at = y[i] == 0 ? rows - ++zeros : ones++;
      // Adding 0 makes -0 equal to 0.
      long bits = Double.doubleToRawLongBits(z[i] + 0.0);
      keys.setAtIndex(KEY, at, bits ^ (bits >> (Long.SIZE - 1) | Long.MIN_VALUE));
      if (weights == null && s[i] != 1) {
        weights = allocate(Long.BYTES + Double.BYTES);
        for (long row = 0; row < rows; row++) {
          weights.setAtIndex(WEIGHT, row, 1);
        }
      }
      if (weights != null) {
        weights.setAtIndex(WEIGHT, at, s[i]);
      }
    }
  }

  /**
   * Sorts keys {@code [from, to)} whose bits above one are equal, by exchanging those that have the
   * bit with those that do not: radix exchange (Knuth, The Art of Computer Programming, 5.2.2 R).
   * In place, and at most 64 passes whatever the keys are.
   */
  private void sort(long from, long to, int bit) {
    long mask = 1L << bit;
    long low = from;
    long high = to;
    while (low < high) {
      if ((keys.getAtIndex(KEY, low) & mask) == 0) {
        low++;
      } else {
        exchange(low, --high);
      }
    }
    if (bit > 0) {
      if (low - from > 1) {
        sort(from, low, bit - 1);
      }
      if (to - low > 1) {
        sort(low, to, bit - 1);
      }
    }
  }

  private void exchange(long a, long b) {
    long key = keys.getAtIndex(KEY, a);
    keys.setAtIndex(KEY, a, keys.getAtIndex(KEY, b));
    keys.setAtIndex(KEY, b, key);
    if (weights != null) {
      double weight = weights.getAtIndex(WEIGHT, a);
      weights.setAtIndex(WEIGHT, a, weights.getAtIndex(WEIGHT, b));
      weights.setAtIndex(WEIGHT, b, weight);
    }
  }

  @Override
  public double value(double ofAll) {
    sort(0, ones, Long.SIZE - 1);
    sort(rows - zeros, rows, Long.SIZE - 1);
    // Weights of each class in units of its largest: products of 1e-300 and 1e-300 are 0.
    double ofOne = largest(0, ones);
    double ofZero = largest(rows - zeros, rows);
    long zero = rows - zeros;
    double below = 0;
    double pairs = 0;
    double above = 0;
    for (long one = 0; one < ones; ) {
      long key = keys.getAtIndex(KEY, one);
      double onesHere = 0;
      for (; one < ones && keys.getAtIndex(KEY, one) == key; one++) {
        onesHere += weight(one) / ofOne;
      }
      for (; zero < rows && Long.compareUnsigned(keys.getAtIndex(KEY, zero), key) < 0; zero++) {
        below += weight(zero) / ofZero;
      }
      double zerosHere = 0;
      for (; zero < rows && keys.getAtIndex(KEY, zero) == key; zero++) {
        zerosHere += weight(zero) / ofZero;
      }
      pairs += onesHere * (below + zerosHere / 2);
      below += zerosHere;
      above += onesHere;
    }
    for (; zero < rows; zero++) {
      below += weight(zero) / ofZero;
    }
    return pairs / (below * above);
  }

  private double largest(long from, long to) {
    double largest = 0;
    for (long at = from; at < to; at++) {
      largest = Math.max(largest, weight(at));
    }
    return largest;
  }

  private double weight(long at) {
    return weights == null ? 1 : weights.getAtIndex(WEIGHT, at);
  }

  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
