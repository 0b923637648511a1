package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.regression.ColumnException;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.Standardization;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * The exact least-squares loss on all rows, NaN if there is none; the note is beside it or says why
 * it is missing, and null if nothing was to be computed.
 */
record ExactLoss(double mse, double variance, String note) {
  // Below this part of the variance a loss is rounding: there is no gap to it.
  private static final double ROUNDING = 1e-12;

  // Multiplications and additions for each cell and column besides those of products.
  private static final double FIXED = 300;
  private static final double FEW_OPERATIONS = 2e9; // a tenth of a second
  // They take a tenth of the time that a training takes for a cell in a pass.
  private static final double TENTH_OF_PASS = 20;

  /** So many operations take about a second, and are little beside several trainings. */
  static final double OF_A_SECOND = 2e10;

  static ExactLoss none(String reason) {
    return new ExactLoss(Double.NaN, Double.NaN, reason);
  }

  /**
   * Solves on a host; units say what was done to data, or are null.
   *
   * @param most operations that it may take: {@link #besides}, or infinitely many
   */
  static ExactLoss of(
      Backend backend, Dataset data, boolean hasIntercept, Standardization units, double most) {
    int d = data.features().size();
    if (d > ExactSolution.MAX_FEATURES) {
      return none("it is computed for up to %,d features".formatted(ExactSolution.MAX_FEATURES));
    }
    if (2.0 * data.rows() * d * (d + FIXED) > most) {
      return none("it takes long beside the training; --exact computes it");
    }
    ExactSolution exact;
    try {
      exact = ExactSolution.solve(backend, data.x(), data.y(), null, data.rows(), hasIntercept, 0);
    } catch (ColumnException e) {
      throw e.named(data.x(), data.features(), data.targets());
    }
    List<ExactSolution.Dependency> cut = exact.diagnosis().dependencies();
    return new ExactLoss(
        mean(exact.meanSquaredError(), units),
        mean(exact.targetVariance(), units),
        cut.isEmpty()
            ? ""
            : " (with the %,d of %,d features that rounding can tell apart: coefficients are not unique)"
                .formatted(d - cut.size(), d));
  }

  /** Operations that take a tenth of a training, or hardly any time. */
  static double besides(Dataset data, double passes) {
    return Math.max(FEW_OPERATIONS, TENTH_OF_PASS * data.rows() * data.features().size() * passes);
  }

  private static double mean(double[] squares, Standardization units) {
    return IntStream.range(0, squares.length)
        .mapToDouble(j -> squares[j] * (units == null ? 1 : units.lossScale(j)))
        .average()
        .orElseThrow();
  }

  /**
   * How far a loss is above it, as a part of it, or of the variance where it is rounding; a dash if
   * there is neither.
   */
  String gap(double loss) {
    if (Double.isNaN(mse) || variance == 0) {
      return "-";
    }
    return mse > ROUNDING * variance
        ? String.format(Locale.ROOT, "%.4g%%", 100 * (loss / mse - 1))
        : String.format(Locale.ROOT, "%.3g of the variance", (loss - mse) / variance);
  }
}
