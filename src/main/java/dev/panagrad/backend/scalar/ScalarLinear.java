package dev.panagrad.backend.scalar;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.Loss;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;
import java.util.Arrays;

/** Reference kernels: plain loops, double precision, each result rounded once. */
public final class ScalarLinear implements LinearKernels {
  // Sums of outputs' gradients, and what a loss is given: kept, so that a step allocates nothing.
  private double[] sums = new double[0];
  private final double[] z = new double[1];
  private final double[] target = new double[1];
  private final double[] weight = new double[1];

  @Override
  public void triangularize(Tensor r, Tensor blocks) {
    long m = r.cols();
    for (long first = 0; first < r.rows(); first += m) {
      Tensor triangle = r.rows(first, m);
      Tensor columns = blocks.rows(first, m);
      for (long j = 0; j < m; j++) {
        reflect(triangle, columns, j);
      }
    }
  }

  /** A Householder reflection that makes column j of the block zero. */
  private static void reflect(Tensor r, Tensor columns, long j) {
    double squares = product(columns, j, j);
    if (squares == 0) {
      return;
    }
    double top = r.get(j, j);
    double b = -Math.copySign(Math.sqrt(top * top + squares), top);
    r.set(j, j, b);
    for (long i = 0; i < columns.cols(); i++) {
      columns.set(j, i, columns.get(j, i) / (top - b));
    }
    for (long c = j + 1; c < r.cols(); c++) {
      double s = (b - top) / b * (r.get(j, c) + product(columns, j, c));
      r.set(j, c, r.get(j, c) - s);
      for (long i = 0; i < columns.cols(); i++) {
        columns.set(c, i, columns.get(c, i) - s * columns.get(j, i));
      }
    }
  }

  private static double product(Tensor columns, long j, long c) {
    double sum = 0;
    for (long i = 0; i < columns.cols(); i++) {
      sum += columns.get(j, i) * columns.get(c, i);
    }
    return sum;
  }

  @Override
  public double dot(Tensor x, Tensor y) {
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      sum += Cells.get(x, i) * Cells.get(y, i);
    }
    return sum;
  }

  @Override
  public void axpy(double alpha, Tensor x, Tensor y) {
    for (long i = 0; i < x.count(); i++) {
      Cells.set(y, i, Cells.get(y, i) + alpha * Cells.get(x, i));
    }
  }

  @Override
  public void lerp(double share, Tensor x, Tensor y) {
    for (long i = 0; i < x.count(); i++) {
      double before = Cells.get(y, i);
      Cells.set(y, i, before + share * (Cells.get(x, i) - before));
    }
  }

  @Override
  public double norm2(Tensor x) {
    double largest = 0;
    for (long i = 0; i < x.count(); i++) {
      largest = Math.max(largest, Math.abs(Cells.get(x, i)));
    }
    if (largest == 0 || !(largest < Double.POSITIVE_INFINITY)) {
      return largest;
    }
    // Scaled, so that no square overflows; a power of two, so that scaling rounds nothing that
    // matters.
    double scale = Math.scalb(1.0, -Math.getExponent(largest));
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      double scaled = Cells.get(x, i) * scale;
      sum += scaled * scaled;
    }
    return Math.sqrt(sum) / scale;
  }

  @Override
  public double norm1(Tensor x) {
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      sum += Math.abs(Cells.get(x, i));
    }
    return sum;
  }

  @Override
  public boolean isFinite(Tensor x) {
    for (long i = 0; i < x.count(); i++) {
      if (!Double.isFinite(Cells.get(x, i))) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    long inner = x.count();
    for (long i = 0; i < y.count(); i++) {
      double sum = 0;
      for (long j = 0; j < inner; j++) {
        sum += at(a, transpose, i, j) * Cells.get(x, j);
      }
      Cells.set(y, i, combine(alpha, sum, beta, y, i));
    }
  }

  @Override
  public void gemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    long inner = opA == Transpose.NO ? a.cols() : a.rows();
    for (long i = 0; i < c.rows(); i++) {
      for (long j = 0; j < c.cols(); j++) {
        double sum = 0;
        for (long l = 0; l < inner; l++) {
          sum += at(a, opA, i, l) * at(b, opB, l, j);
        }
        long position = i * c.rowStride() + j;
        Cells.set(c, position, combine(alpha, sum, beta, c, position));
      }
    }
  }

  @Override
  public boolean cholesky(Tensor a) {
    for (long i = 0; i < a.rows(); i++) {
      for (long j = 0; j <= i; j++) {
        double rest = at(a, Transpose.NO, i, j);
        for (long l = 0; l < j; l++) {
          rest -= at(a, Transpose.NO, i, l) * at(a, Transpose.NO, j, l);
        }
        if (i == j && !(rest > 0 && rest < Double.POSITIVE_INFINITY)) {
          return false;
        }
        double factor = i == j ? Math.sqrt(rest) : rest / at(a, Transpose.NO, j, j);
        Cells.set(a, i * a.rowStride() + j, factor);
      }
    }
    return true;
  }

  private static double at(Tensor t, Transpose transpose, long row, long col) {
    long position =
        transpose == Transpose.NO ? row * t.rowStride() + col : col * t.rowStride() + row;
    return Cells.get(t, position);
  }

  private static double combine(double alpha, double sum, double beta, Tensor out, long position) {
    return beta == 0 ? alpha * sum : alpha * sum + beta * Cells.get(out, position);
  }

  @Override
  public void predict(Tensor x, long first, long count, Linear model, Tensor out) {
    for (long i = 0; i < count; i++) {
      for (long j = 0; j < model.outputs(); j++) {
        Cells.set(out, i * out.rowStride() + j, prediction(x, first + i, model, j));
      }
    }
  }

  private static double prediction(Tensor x, long row, Linear model, long output) {
    double sum = model.b() == null ? 0 : Cells.get(model.b(), output);
    long xRow = row * x.rowStride();
    long wRow = output * model.features();
    for (long f = 0; f < x.cols(); f++) {
      sum += Cells.get(x, xRow + f) * Cells.get(model.w(), wRow + f);
    }
    return sum;
  }

  @Override
  public synchronized void gradient(
      Batch batch, long first, long count, Loss loss, Linear model, Gradient into) {
    DenseRows rows = batch.rows();
    int features = Math.toIntExact(model.features());
    // Nothing is written before all rows are read: a row number may turn out to be none.
    int width = features + 2;
    int outputs = Math.toIntExact(model.outputs());
    int size = Math.multiplyExact(outputs, width);
    if (sums.length < size) {
      sums = new double[size];
    }
    Arrays.fill(sums, 0, size, 0);
    for (int j = 0; j < outputs; j++) {
      for (long i = first; i < first + count; i++) {
        add(rows, batch.row(i), loss, model, j);
      }
    }
    double scale = 1.0 / count;
    for (int j = 0; j < outputs; j++) {
      for (int f = 0; f < features; f++) {
        Cells.set(into.gw(), (long) j * features + f, scale * sums[j * width + f]);
      }
      if (into.gb() != null) {
        Cells.set(into.gb(), j, scale * sums[j * width + features]);
      }
      if (into.loss() != null) {
        Cells.set(into.loss(), j, sums[j * width + features + 1] / count);
      }
    }
  }

  /** Adds a row to the sums of an output: its gradient, derivative and loss. */
  private void add(DenseRows rows, long row, Loss loss, Linear model, int output) {
    z[0] = prediction(rows.x(), row, model, output);
    if (rows.offset() != null) {
      z[0] += Cells.get(rows.offset(), row);
    }
    weight[0] = rows.weights() == null ? 1 : Cells.get(rows.weights(), row);
    target[0] = Cells.get(rows.y(), row * rows.y().rowStride() + output);
    double value = loss.differentiate(z, target, weight, 1);
    int features = (int) model.features();
    int at = output * (features + 2);
    long xRow = row * rows.x().rowStride();
    for (int f = 0; f < features; f++) {
      sums[at + f] += z[0] * Cells.get(rows.x(), xRow + f);
    }
    sums[at + features] += z[0];
    sums[at + features + 1] += value;
  }
}
