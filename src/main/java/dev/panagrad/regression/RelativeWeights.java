package dev.panagrad.regression;

import dev.panagrad.tensor.Tensor;

/**
 * Weights of some rows as parts of the largest, so that sums of weights from 1e-300 to 1e300
 * neither overflow nor vanish.
 */
final class RelativeWeights {
  private final Tensor weights; // by row number, or null if all are 1
  private final Tensor index; // row numbers by position, or null
  private final double largest;

  /**
   * The weights of {@code count} positions from {@code first}.
   *
   * @throws IllegalArgumentException if a weight is negative or not finite, or all are 0
   */
  RelativeWeights(Tensor weights, Tensor index, long first, long count) {
    this.weights = weights;
    this.index = index;
    double most = weights == null ? 1 : 0;
    for (long i = first; weights != null && i < first + count; i++) {
      double found = weights.get(row(i));
      if (!(found >= 0 && found < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "weights must be finite and not negative, found %s in row %,d of tensor '%s'"
                .formatted(found, row(i) + 1, weights.name()));
      }
      most = Math.max(most, found);
    }
    if (most == 0) {
      throw new IllegalArgumentException(
          "all weights of tensor '%s' are 0, and nothing is to be fitted; give some rows weight"
              .formatted(weights.name()));
    }
    largest = most;
  }

  long row(long position) {
    return index == null ? position : index.getLong(position);
  }

  /** The weight of a row, in [0, 1]. */
  double of(long row) {
    return weights == null ? 1 : weights.get(row) / largest;
  }

  /**
   * The first row of the largest weight, of which sums cannot be far on the scale of deviations.
   */
  long heaviest() {
    long first = 0;
    while (of(row(first)) < 1) {
      first++;
    }
    return row(first);
  }

  Tensor index() {
    return index;
  }

  boolean areGiven() {
    return weights != null;
  }

  double largest() {
    return largest;
  }

  double sum(long first, long count) {
    ExactSum sum = new ExactSum();
    for (long i = first; weights != null && i < first + count; i++) {
      sum.add(of(row(i)), 1);
    }
    return weights == null ? count : sum.value();
  }
}
