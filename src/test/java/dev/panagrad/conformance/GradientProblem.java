package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.data.Datasets;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/** The operands of a gradient of the squared loss, and what its result may be. */
record GradientProblem(Batch batch, long first, long count, Linear model, Gradient into) {
  void run(Backend backend) {
    backend.linear().gradient(batch, first, count, new Squared(), model, into);
  }

  Tensor x() {
    return batch.rows().x();
  }

  Tensor y() {
    return batch.rows().y();
  }

  Tensor w() {
    return model.w();
  }

  Tensor b() {
    return model.b();
  }

  Tensor gw() {
    return into.gw();
  }

  Tensor gb() {
    return into.gb();
  }

  Tensor loss() {
    return into.loss();
  }

  /**
   * Error of a sum of n rounded products, each row's residual itself a sum of d products: with unit
   * roundoff u and blocks of at most 256 rows summed in the element type, {@code |error| <= (2/n) *
   * (d + 256 + 8) * u * sum_i s_i |x_if|} where {@code s_i = sum_f |x_if w_f| + |b| + |y|} bounds
   * every partial sum of the residual (Higham 2002, section 3.1, with the constants of the lengths
   * of the chains).
   */
  void verify(String what) {
    verify(what, 256);
  }

  /** As above, where up to {@code blockRows} rows are summed in the element type. */
  void verify(String what, int blockRows) {
    DType dtype = x().dtype();
    double u = dtype == DType.F32 ? 0x1p-24 : 0x1p-53;
    int d = (int) x().cols();
    double[][] features = Datasets.rows(x());
    for (int j = 0; j < w().rows(); j++) {
      double[] w = Datasets.rows(w().rows(j, 1))[0];
      double[] exact = new double[d];
      double[] bound = new double[d];
      double residuals = 0;
      double residualBound = 0;
      double squares = 0;
      double squareBound = 0;
      for (long i = first; i < first + count; i++) {
        long row = batch.row(i);
        double[] x = features[Math.toIntExact(row)];
        double b = b() == null ? 0 : b().get(j);
        double y = y().get(row, j);
        double r = b - y;
        double s = Math.abs(b) + Math.abs(y);
        for (int f = 0; f < d; f++) {
          double product = x[f] * w[f];
          r += product;
          s += Math.abs(product);
        }
        for (int f = 0; f < d; f++) {
          exact[f] += r * x[f];
          bound[f] += s * Math.abs(x[f]);
        }
        residuals += r;
        residualBound += s;
        squares += r * r;
        squareBound += 2 * s * s;
      }
      double scale = 2.0 / count;
      double chain = (d + blockRows + 8) * u;
      for (int f = 0; f < d; f++) {
        int output = j;
        int feature = f;
        assertEquals(
            scale * exact[f],
            gw().get(j, f),
            scale * chain * bound[f],
            () -> what + " gw " + output + "," + feature);
      }
      if (gb() != null) {
        assertEquals(
            scale * residuals, gb().get(j), scale * chain * residualBound, what + " gb " + j);
      }
      if (loss() != null) {
        assertEquals(squares / count, loss().get(j), chain * squareBound / count, what + " loss");
      }
    }
  }
}
