package dev.panagrad.regression;

import dev.panagrad.backend.Batch;
import dev.panagrad.tensor.Tensor;

/** The weights of a panel's rows as roots, in units of the largest; 1 for rows without weights. */
final class PanelWeights {
  private final Tensor weights; // by row number, or null
  private final double[] roots;
  private double largest;
  private double sum;

  /** The weights of {@code count} positions of a checked batch from {@code first}. */
  PanelWeights(Batch batch, long first, long count) {
    weights = batch.rows().weights();
    roots = new double[weights == null ? 0 : RowPanel.ROWS];
    for (long i = first; weights != null && i < first + count; i++) {
      double weight = weights.get(batch.row(i));
      if (!(weight >= 0 && weight < Double.POSITIVE_INFINITY)) {
        throw new IllegalArgumentException(
            "weights must be finite and not negative, found %s in row %,d of tensor '%s'"
                .formatted(weight, batch.row(i) + 1, weights.name()));
      }
      largest = Math.max(largest, weight);
    }
    if (weights == null) {
      largest = 1;
      sum = count;
    } else if (largest == 0) {
      throw new IllegalArgumentException(
          "normal equations of rows whose weights are all 0 have no mean; give some of them weight");
    }
    for (long i = first; weights != null && i < first + count; i++) {
      sum += weights.get(batch.row(i)) / largest;
    }
  }

  /** The unit of {@link #root} and {@link #sum}. */
  double largest() {
    return largest;
  }

  double sum() {
    return sum;
  }

  /** The root of a row's weight, which a place of the panel is for from now on. */
  double load(int place, long row) {
    if (weights == null) {
      return 1;
    }
    roots[place] = Math.sqrt(weights.get(row) / largest);
    return roots[place];
  }

  double root(int place) {
    return weights == null ? 1 : roots[place];
  }
}
