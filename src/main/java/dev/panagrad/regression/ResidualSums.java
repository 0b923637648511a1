package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/** One pass over rows, by which least squares sees what solutions leave of the targets. */
interface ResidualSums {
  /**
   * Adds the squares of the residuals, and the products of the columns of ones and features with
   * them, all in standardized units.
   *
   * @param z solutions [target][column], in standardized units
   * @param squares [target]
   * @param products [target][column]
   */
  void add(double[][] z, double[] squares, double[][] products);

  /** Half a unit in the last place of 1, in the type of the rows. */
  double roundoff();

  /** Roundings of a residual in standardized units, in units of 2^-53. */
  default double roundings(int columns, double terms, double means) {
    return (columns + 2) * terms + means;
  }

  /** The residuals of rows that are known by their factor alone, which are those of its rows. */
  record OfFactor(RowFactor factor) implements ResidualSums {
    @Override
    public void add(double[][] z, double[] squares, double[][] products) {
      int q = z[0].length;
      for (int j = 0; j < z.length; j++) {
        for (double[] row : factor.r()) {
          double residual = row[q + j];
          for (int c = 0; c < q; c++) {
            residual -= row[c] * z[j][c];
          }
          squares[j] += residual * residual;
          for (int c = 0; c < q; c++) {
            products[j][c] += row[c] * residual;
          }
        }
      }
    }

    @Override
    public double roundoff() {
      return 0x1p-53;
    }

    /** With those of the reflections that made the factor (Higham 2002, theorem 19.4). */
    @Override
    public double roundings(int columns, double terms, double means) {
      return (columns + 2) * (factor.rows() + 12.0) * terms + means;
    }
  }

  /** The residuals of unweighted rows with many targets, centered while they are read. */
  record OfPanels(Backend backend, Batch batch, long count, RowFactor units)
      implements ResidualSums {
    @Override
    public void add(double[][] z, double[] squares, double[][] products) {
      RelativeWeights ones = new RelativeWeights(null, batch.index(), 0, count);
      try (TensorArena arena = TensorArena.open("residuals")) {
        Squares of = new Squares(arena, backend.linear(), units);
        RowPanel panel = new RowPanel(arena, batch, count, ones);
        panel.shiftBy(units.shift());
        of.setModel(z);
        for (long done = 0; done < count; done += RowPanel.ROWS) {
          Tensor loaded = panel.load(done, Math.min(RowPanel.ROWS, count - done));
          DenseRows rows = new DenseRows(panel.features(loaded), panel.targets(loaded));
          of.add(rows, squares, products);
        }
      }
    }

    @Override
    public double roundoff() {
      return batch.rows().dtype() == DType.F32 ? 0x1p-24 : 0x1p-53;
    }
  }

  /** The gradient of the squared error of centered rows. */
  final class Squares {
    private final LinearAlgebra linear;
    private final RowFactor units;
    private final Linear model;
    private final Gradient gradient;

    private Squares(TensorArena arena, LinearAlgebra linear, RowFactor units) {
      this.linear = linear;
      this.units = units;
      int k = units.targets();
      int d = units.features();
      boolean hasIntercept = units.hasIntercept();
      Tensor w = arena.allocate("w", DType.F64, k, d);
      model = new Linear(w, hasIntercept ? arena.allocate("b", DType.F64, k) : null);
      gradient =
          new Gradient(
              arena.allocate("gw", DType.F64, k, d),
              hasIntercept ? arena.allocate("gb", DType.F64, k) : null,
              arena.allocate("losses", DType.F64, k));
    }

    /** Takes standardized solutions. */
    private void setModel(double[][] z) {
      double[] none = new double[units.shift().length];
      for (int j = 0; j < z.length; j++) {
        double[] raw = units.unscaled(z[j], j, none);
        for (int c = 0; c < raw.length - 1; c++) {
          model.w().set(j, c, raw[c]);
        }
        if (model.b() != null) {
          model.b().set(j, raw[raw.length - 1]);
        }
      }
    }

    private void add(DenseRows rows, double[] squares, double[][] products) {
      linear.gradient(rows, new Squared(), model, gradient);
      double[] scale = units.scale();
      int d = units.features();
      int first = units.hasIntercept() ? 1 : 0;
      for (int j = 0; j < squares.length; j++) {
        double unit = scale[d + j];
        double half = -0.5 * rows.count() / unit;
        squares[j] += gradient.loss().get(j) * rows.count() / (unit * unit);
        if (first == 1) {
          products[j][0] += half * gradient.gb().get(j);
        }
        for (int c = 0; c < d; c++) {
          products[j][first + c] += half * gradient.gw().get(j, c) / scale[c];
        }
      }
    }
  }
}
