package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.rule.Checks;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Holds the answer of quantile regression: coefficients that minimize the weighted mean pinball
 * loss of each target, with a proof of how near they are.
 *
 * <p>A {@link QuantileProgram} comes near the minimum from inside. A minimum is taken at a vertex,
 * a plane through as many rows as there are columns that do not depend on others: the solution goes
 * on to the nearest vertex and from there along edges as long as they lead down (Barrodale and
 * Roberts 1973), which ends at coefficients of all digits. Columns that rounding cannot tell from
 * combinations of others, and constant ones, get coefficient 0.
 *
 * <p>Cost: about 20 iterations of {@code 2 n d^2} operations, and up to eight passes each. Memory:
 * 80 bytes a row on the heap, and {@code 8 (d + 2)} bytes more where that is at most 256 MiB, which
 * saves standardizing rows in each pass.
 *
 * @param coefficients [target][feature], in the units of the X and y that were given
 * @param intercept [target]; zeros without intercept
 * @param loss [target], the weighted mean pinball loss, from residuals of the rows
 * @param gap [target], an upper bound on how far the loss is above the minimum, except for rounding
 *     of residuals: for dual variables a in {@code [tau - 1, tau]}, and {@code e = A^T S a}, which
 *     is rounding, {@code sum_i s_i (loss_i - a_i r_i) + |R^-T e| 2 sum_i s_i loss_i / min(tau, 1 -
 *     tau)} over the sum of the weights s; R is the triangle of {@code S A}. The second term bounds
 *     {@code e (theta - theta*)} since {@code |S A (theta - theta*)|_1} is at most the sum of both
 *     residuals
 * @param rounding [target], what rounding of residuals adds to the gap, at most: that of terms, and
 *     of the intercept, which takes the means of the columns
 * @param iterations the most that a target took inside
 * @param dependencies of the columns that were found to be combinations of others
 */
@SuppressWarnings("ArrayRecordComponent") // a result that is read once, not a value
public record QuantileSolution(
    double[][] coefficients,
    double[] intercept,
    double[] loss,
    double[] gap,
    double[] rounding,
    int iterations,
    List<ExactSolution.Dependency> dependencies) {

  /**
   * Solves for the first {@code count} rows of a batch in host memory, with weights and offsets. A
   * backend on a device lets a host's compute. The same rows give the same bits for any number of
   * threads.
   *
   * @param tau the quantile, in (0, 1)
   * @throws IllegalArgumentException if tau is not, there are more than {@link
   *     ExactSolution#MAX_FEATURES} features or 2^31 - 1,024 rows, a weight is negative or all are
   *     0, or a value is not finite or so large that its square is not, with its row and column
   * @throws IndexOutOfBoundsException if there are fewer rows, or the index has what is not a row
   */
  public static QuantileSolution solve(
      Backend backend, Batch batch, long count, boolean hasIntercept, double tau) {
    Checks.openFraction("tau", tau);
    ExactSolution.requireSize(batch.rows().features());
    NormalEquations.checkPositions(batch, 0, count);
    if (count > Integer.MAX_VALUE - 1023) {
      throw new IllegalArgumentException(
          "quantile regression keeps vectors of all rows, found %,d where at most %,d fit; take a sample"
              .formatted(count, Integer.MAX_VALUE - 1023));
    }
    if (!backend.usesHostMemory()) {
      try (Backend host = Backends.openHost(BackendOptions.defaults())) {
        return solve(host, batch, count, hasIntercept, tau);
      }
    }
    RelativeWeights weights = new RelativeWeights(batch.rows().weights(), batch.index(), 0, count);
    double[] s = new double[(int) count];
    Arrays.setAll(s, i -> weights.of(weights.row(i)));
    StandardizedRows rows = StandardizedRows.of(backend, batch, count, hasIntercept);
    RowFactor factor = RowFactor.of(backend, rows, count);
    RankedTriangle ranked =
        new RankedTriangle(backend, factor, new double[rows.features()], rows.roundoff());
    List<Integer> cut = ranked.cut();
    int[] kept = IntStream.range(0, rows.features()).filter(c -> !cut.contains(c)).toArray();
    int ones = hasIntercept ? 1 : 0;
    int k = factor.targets();
    double[][] coefficients = new double[k][];
    double[] intercept = new double[k];
    double[] loss = new double[k];
    double[] gap = new double[k];
    double[] rounding = new double[k];
    int iterations = 0;
    for (int j = 0; j < k; j++) {
      int[] columns = new int[ones + kept.length + 1];
      Arrays.setAll(columns, c -> c < ones || c == columns.length - 1 ? 0 : ones + kept[c - ones]);
      columns[ones + kept.length] = ones + rows.features() + j;
      QuantileVertex target =
          new QuantileVertex(new QuantileProgram(backend, rows.unweighted(), columns, s, tau));
      double[] some = target.solve();
      double[] z = new double[ones + rows.features()];
      for (int c = 0; c < some.length; c++) {
        z[columns[c]] = some[c];
      }
      double[] raw = factor.unscaled(z, j);
      double[] sizes = factor.sizes(z, j);
      double unit = factor.scale()[rows.features() + j];
      coefficients[j] = Arrays.copyOf(raw, rows.features());
      intercept[j] = raw[rows.features()];
      loss[j] = target.loss() * unit;
      gap[j] = target.gap() * unit;
      rounding[j] = 0x1p-53 * ((some.length + 2) * sizes[0] + sizes[1]) * unit;
      iterations = Math.max(iterations, target.iterations());
    }
    return new QuantileSolution(
        coefficients,
        intercept,
        loss,
        gap,
        rounding,
        iterations,
        ExactSolution.Dependency.of(ranked, factor.constant()));
  }
}
