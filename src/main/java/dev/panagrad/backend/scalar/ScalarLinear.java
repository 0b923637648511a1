package dev.panagrad.backend.scalar;

import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.RowLoss;
import dev.panagrad.tensor.Tensor;
import java.util.Arrays;

/** Reference kernels: plain loops, double precision, each result rounded once. */
final class ScalarLinear extends LinearKernels {
  /** Sums of one output's gradient; kept, so that a step allocates nothing. */
  private double[] sums = new double[0];

  ScalarLinear(StepTrace trace) {
    super(trace);
  }

  @Override
  protected double dotKernel(Tensor x, Tensor y) {
    Cells cells = Cells.of(x);
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      sum += cells.get(x, i) * cells.get(y, i);
    }
    return sum;
  }

  @Override
  protected void axpyKernel(double alpha, Tensor x, Tensor y) {
    Cells cells = Cells.of(x);
    for (long i = 0; i < x.count(); i++) {
      cells.set(y, i, cells.get(y, i) + alpha * cells.get(x, i));
    }
  }

  @Override
  protected void lerpKernel(double share, Tensor x, Tensor y) {
    Cells cells = Cells.of(x);
    for (long i = 0; i < x.count(); i++) {
      double before = cells.get(y, i);
      cells.set(y, i, before + share * (cells.get(x, i) - before));
    }
  }

  @Override
  protected double norm2Kernel(Tensor x) {
    Cells cells = Cells.of(x);
    double largest = 0;
    for (long i = 0; i < x.count(); i++) {
      largest = Math.max(largest, Math.abs(cells.get(x, i)));
    }
    if (largest == 0 || !(largest < Double.POSITIVE_INFINITY)) {
      return largest;
    }
    // Scaled, so that no square overflows; a power of two, so that scaling rounds nothing that
    // matters.
    double scale = Math.scalb(1.0, -Math.getExponent(largest));
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      double scaled = cells.get(x, i) * scale;
      sum += scaled * scaled;
    }
    return Math.sqrt(sum) / scale;
  }

  @Override
  protected double norm1Kernel(Tensor x) {
    Cells cells = Cells.of(x);
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      sum += Math.abs(cells.get(x, i));
    }
    return sum;
  }

  @Override
  protected boolean isFiniteKernel(Tensor x) {
    Cells cells = Cells.of(x);
    for (long i = 0; i < x.count(); i++) {
      if (!Double.isFinite(cells.get(x, i))) {
        return false;
      }
    }
    return true;
  }

  @Override
  protected void gemvKernel(
      Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    Cells cells = Cells.of(a);
    long inner = x.count();
    for (long i = 0; i < y.count(); i++) {
      double sum = 0;
      for (long j = 0; j < inner; j++) {
        sum += at(cells, a, transpose, i, j) * cells.get(x, j);
      }
      cells.set(y, i, combine(alpha, sum, beta, cells, y, i));
    }
  }

  @Override
  protected void gemmKernel(
      Transpose transposeA,
      Transpose transposeB,
      double alpha,
      Tensor a,
      Tensor b,
      double beta,
      Tensor c) {
    Cells cells = Cells.of(a);
    long inner = transposeA == Transpose.NO ? a.cols() : a.rows();
    for (long i = 0; i < c.rows(); i++) {
      for (long j = 0; j < c.cols(); j++) {
        double sum = 0;
        for (long l = 0; l < inner; l++) {
          sum += at(cells, a, transposeA, i, l) * at(cells, b, transposeB, l, j);
        }
        long position = i * c.rowStride() + j;
        cells.set(c, position, combine(alpha, sum, beta, cells, c, position));
      }
    }
  }

  @Override
  protected void syrkKernel(double alpha, Tensor a, double beta, Tensor c) {
    gemmKernel(Transpose.YES, Transpose.NO, alpha, a, a, beta, c);
  }

  @Override
  protected boolean choleskyKernel(Tensor a) {
    Cells cells = Cells.of(a);
    for (long i = 0; i < a.rows(); i++) {
      for (long j = 0; j <= i; j++) {
        double rest = at(cells, a, Transpose.NO, i, j);
        for (long l = 0; l < j; l++) {
          rest -= at(cells, a, Transpose.NO, i, l) * at(cells, a, Transpose.NO, j, l);
        }
        if (i == j && !(rest > 0)) {
          return false;
        }
        double factor = i == j ? Math.sqrt(rest) : rest / at(cells, a, Transpose.NO, j, j);
        cells.set(a, i * a.rowStride() + j, factor);
      }
    }
    return true;
  }

  private static double at(Cells cells, Tensor t, Transpose transpose, long row, long col) {
    long position =
        transpose == Transpose.NO ? row * t.rowStride() + col : col * t.rowStride() + row;
    return cells.get(t, position);
  }

  private static double combine(
      double alpha, double sum, double beta, Cells cells, Tensor out, long position) {
    return beta == 0 ? alpha * sum : alpha * sum + beta * cells.get(out, position);
  }

  @Override
  protected void predictKernel(Tensor x, long first, long count, Tensor w, Tensor b, Tensor out) {
    Cells cells = Cells.of(x);
    for (long i = 0; i < count; i++) {
      for (long j = 0; j < w.rows(); j++) {
        cells.set(out, i * out.rowStride() + j, prediction(cells, x, first + i, w, b, j));
      }
    }
  }

  private static double prediction(
      Cells cells, Tensor x, long row, Tensor w, Tensor b, long output) {
    double sum = b == null ? 0 : cells.get(b, output);
    long xRow = row * x.rowStride();
    long wRow = output * w.cols();
    for (long f = 0; f < x.cols(); f++) {
      sum += cells.get(x, xRow + f) * cells.get(w, wRow + f);
    }
    return sum;
  }

  @Override
  public boolean hasLosses() {
    return true;
  }

  @Override
  protected synchronized void gradientKernel(
      RowLoss rowLoss,
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    Cells cells = Cells.of(x);
    int features = Math.toIntExact(x.cols());
    if (sums.length < features) {
      sums = new double[features];
    }
    double[] z = new double[1];
    double[] target = new double[1];
    double[] weight = {1};
    double scale = 1.0 / count;
    for (long j = 0; j < w.rows(); j++) {
      Arrays.fill(sums, 0, features, 0);
      double derivatives = 0;
      double values = 0;
      for (long i = first; i < first + count; i++) {
        long row = index == null ? i : index.getLong(i);
        z[0] = prediction(cells, x, row, w, b, j);
        if (rowLoss.offset() != null) {
          z[0] += cells.get(rowLoss.offset(), row);
        }
        if (rowLoss.weights() != null) {
          weight[0] = cells.get(rowLoss.weights(), row);
        }
        target[0] = cells.get(y, row * y.rowStride() + j);
        values += rowLoss.loss().differentiate(z, target, weight, 1);
        derivatives += z[0];
        long xRow = row * x.rowStride();
        for (int f = 0; f < features; f++) {
          sums[f] += z[0] * cells.get(x, xRow + f);
        }
      }
      for (int f = 0; f < features; f++) {
        cells.set(gw, j * features + f, scale * sums[f]);
      }
      if (gb != null) {
        cells.set(gb, j, scale * derivatives);
      }
      if (loss != null) {
        Cells.F64.set(loss, j, values / count);
      }
    }
  }

  @Override
  protected synchronized void gradientKernel(
      Tensor x,
      Tensor y,
      Tensor index,
      long first,
      long count,
      Tensor w,
      Tensor b,
      Tensor gw,
      Tensor gb,
      Tensor loss) {
    Cells cells = Cells.of(x);
    int features = Math.toIntExact(x.cols());
    if (sums.length < features) {
      sums = new double[features];
    }
    double scale = 2.0 / count;
    for (long j = 0; j < w.rows(); j++) {
      Arrays.fill(sums, 0, features, 0);
      double residuals = 0;
      double squares = 0;
      for (long i = first; i < first + count; i++) {
        long row = index == null ? i : index.getLong(i);
        double r = prediction(cells, x, row, w, b, j) - cells.get(y, row * y.rowStride() + j);
        residuals += r;
        squares += r * r;
        long xRow = row * x.rowStride();
        for (int f = 0; f < features; f++) {
          sums[f] += r * cells.get(x, xRow + f);
        }
      }
      for (int f = 0; f < features; f++) {
        cells.set(gw, j * features + f, scale * sums[f]);
      }
      if (gb != null) {
        cells.set(gb, j, scale * residuals);
      }
      if (loss != null) {
        Cells.F64.set(loss, j, squares / count);
      }
    }
  }
}
