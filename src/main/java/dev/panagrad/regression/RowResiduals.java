package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.Arrays;

/**
 * The residuals of rows of any type and order, with weights and offsets, which are standardized
 * while they are read:
 *
 * <pre>
 *   (y_i - offset_i - shift of y) / scale of y - z_0 - sum over c of z_c (x_ic - shift_c) / scale_c
 * </pre>
 *
 * <p>These are loops over arrays, of which the compiler makes vectors in a tenth of the time that
 * kernels of the Vector API take: a solution makes two or three passes in all.
 */
final class RowResiduals implements ResidualSums {
  /** Targets of one pass: for many, products of matrices are faster. */
  static final int TARGETS = 8;

  private final Backend backend;
  private final Batch batch;
  private final long count;
  private final RowFactor units;
  private final RelativeWeights weights;

  RowResiduals(Backend backend, Batch batch, long count, RowFactor units) {
    this.backend = backend;
    this.batch = batch;
    this.count = count;
    this.units = units;
    weights = new RelativeWeights(batch.rows().weights(), batch.index(), 0, count);
  }

  @Override
  public void add(double[][] z, double[] squares, double[][] products) {
    for (int target = 0; target < z.length; target += TARGETS) {
      int from = target;
      int to = Math.min(from + TARGETS, z.length);
      DenseRows rows = batch.rows();
      RowChunks.map(
              backend,
              count,
              rows.features() + to - from,
              (first, end) -> new Chunk(z, from, to).sum(first, end),
              rows.x(),
              rows.y(),
              rows.weights(),
              rows.offset(),
              batch.index())
          .forEach(sums -> sums.addTo(from, squares, products));
    }
  }

  @Override
  public double roundoff() {
    return batch.rows().dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
  }

  /** Squares and products of some targets from one on. */
  @SuppressWarnings("ArrayRecordComponent") // added up, not compared
  private record Sums(double[] squares, double[][] products) {
    void addTo(int from, double[] allSquares, double[][] allProducts) {
      for (int j = 0; j < squares.length; j++) {
        allSquares[from + j] += squares[j];
        for (int c = 0; c < products[j].length; c++) {
          allProducts[from + j][c] += products[j][c];
        }
      }
    }
  }

  /** A strip at a time of a chunk's rows; arrays are of its cells. */
  private final class Chunk {
    private final RowStrip x;
    private final RowStrip y;
    private final double[] shiftX;
    private final double[] scaleX;
    private final double[] shiftY;
    private final double[] scaleY;
    private final double[] weightX;
    private final double[] weightY;
    private final double[] terms;
    private final double[] residuals; // each of a row's cells has the row's, times its weight
    private final double[] intercepts;
    private final double[][] models;
    private final double[][] sums;
    private final double[] ones;
    private final double[] squares;

    Chunk(double[][] z, int from, int to) {
      int d = units.features();
      int k = to - from;
      int first = units.hasIntercept() ? 1 : 0;
      Tensor targets = batch.rows().y();
      x = new RowStrip(batch.rows().x());
      y = new RowStrip(k == units.targets() ? targets : targets.columns(from, k), x.rows());
      shiftX = x.perCell(Arrays.copyOf(units.shift(), d));
      scaleX = x.perCell(Arrays.copyOf(units.scale(), d));
      shiftY = y.perCell(Arrays.copyOfRange(units.shift(), d + from, d + to));
      scaleY = y.perCell(Arrays.copyOfRange(units.scale(), d + from, d + to));
      weightX = new double[x.values.length];
      weightY = new double[y.values.length];
      terms = new double[x.values.length];
      residuals = new double[x.values.length];
      intercepts = new double[k];
      models = new double[k][];
      for (int j = 0; j < k; j++) {
        double[] solution = z[from + j];
        intercepts[j] = first == 1 ? solution[0] : 0;
        models[j] = x.perCell(Arrays.copyOfRange(solution, first, first + d));
      }
      sums = new double[k][x.values.length];
      ones = new double[k];
      squares = new double[k];
    }

    Sums sum(long first, long end) {
      for (long done = first; done < end; done += x.rows()) {
        int cells = x.load(weights, done, end, weightX);
        int targets = y.load(weights, done, end, weightY);
        subtractOffsets(done, end);
        standardize(x.values, shiftX, scaleX, cells);
        standardize(y.values, shiftY, scaleY, targets);
        for (int j = 0; j < sums.length; j++) {
          add(j, cells, targets);
        }
      }
      int d = units.features();
      double[][] products = new double[sums.length][];
      for (int j = 0; j < sums.length; j++) {
        int ofOnes = units.hasIntercept() ? 1 : 0;
        double[] product = new double[ofOnes + d];
        for (int cell = 0; cell < sums[j].length; cell++) {
          product[ofOnes + cell % d] += sums[j][cell];
        }
        if (ofOnes == 1) {
          product[0] = ones[j];
        }
        products[j] = product;
      }
      return new Sums(squares, products);
    }

    private static void standardize(double[] values, double[] shift, double[] scale, int cells) {
      for (int i = 0; i < cells; i++) {
        values[i] = (values[i] - shift[i]) / scale[i];
      }
    }

    private void subtractOffsets(long done, long end) {
      Tensor offset = batch.rows().offset();
      int k = sums.length;
      int at = 0;
      for (long i = done; offset != null && i < Math.min(end, done + x.rows()); i++) {
        long row = weights.row(i);
        for (int j = 0; weights.of(row) > 0 && j < k; j++) {
          y.values[at++] -= offset.get(row);
        }
      }
    }

    private void add(int target, int cells, int targets) {
      int d = units.features();
      int k = sums.length;
      double[] model = models[target];
      for (int i = 0; i < cells; i++) {
        terms[i] = x.values[i] * model[i];
      }
      double total = 0;
      double inStrip = 0;
      for (int row = 0; row * k < targets; row++) {
        double residual =
            y.values[row * k + target] - intercepts[target] - sumOf(terms, row * d, row * d + d);
        double weighted = weightY[row * k] * weights.largest() * residual;
        inStrip += weighted * residual;
        total += weighted;
        Arrays.fill(residuals, row * d, row * d + d, weighted);
      }
      squares[target] += inStrip;
      ones[target] += total;
      double[] sum = sums[target];
      for (int i = 0; i < cells; i++) {
        sum[i] += x.values[i] * residuals[i];
      }
    }

    /** Four sums, which a processor adds to at once. */
    private static double sumOf(double[] values, int from, int to) {
      double a = 0;
      double b = 0;
      double c = 0;
      double d = 0;
      int i = from;
      for (; i < to - 3; i += 4) {
        a += values[i];
        b += values[i + 1];
        c += values[i + 2];
        d += values[i + 3];
      }
      for (; i < to; i++) {
        a += values[i];
      }
      return a + b + (c + d);
    }
  }
}
