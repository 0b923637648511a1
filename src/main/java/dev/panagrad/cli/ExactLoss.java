package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.Standardization;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * The exact least-squares loss on all rows, NaN if there is none; the note is beside it or says why
 * it is missing, and null if nothing was to be computed.
 */
record ExactLoss(double mse, double variance, String note) {
  // Below this part of the variance a loss is rounding: there is no gap to it.
  private static final double ROUNDING = 1e-12;

  private static final int MAX_FEATURES = 4000;

  static ExactLoss none(String reason) {
    return new ExactLoss(Double.NaN, Double.NaN, reason);
  }

  /**
   * Solves on the host, whose memory has no limit; units say what was done to data, or are null.
   */
  static ExactLoss of(Backend backend, Dataset data, boolean hasIntercept, Standardization units) {
    int features = data.features().size();
    if (features > MAX_FEATURES) {
      return none("more than " + MAX_FEATURES + " features");
    }
    if (!backend.usesHostMemory()) {
      try (Backend host = Backends.openHost(BackendOptions.defaults())) {
        return of(host, data, hasIntercept, units);
      }
    }
    ExactSolution exact =
        ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), hasIntercept, 0);
    double mse = mean(exact.meanSquaredError(), units);
    double variance = mean(exact.targetVariance(), units);
    return exact.rank() == features
        ? new ExactLoss(mse, variance, "")
        : new ExactLoss(
            mse,
            variance,
            " (rank %,d of %,d features: coefficients are not unique)"
                .formatted(exact.rank(), features));
  }

  private static double mean(double[] squares, Standardization units) {
    return IntStream.range(0, squares.length)
        .mapToDouble(j -> squares[j] * (units == null ? 1 : units.lossScale(j)))
        .average()
        .orElseThrow();
  }

  String gap(double loss) {
    return mse > ROUNDING * variance
        ? String.format(Locale.ROOT, "%.4g%%", 100 * (loss / mse - 1))
        : "none";
  }
}
