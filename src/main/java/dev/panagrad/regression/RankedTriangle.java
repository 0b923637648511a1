package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * The triangle of a {@link RowFactor}, with a ridge penalty under it, ready to solve: columns that
 * rounding cannot tell from combinations of the others are found by column pivoting.
 *
 * <p>A column is cut where what a combination s of the others leaves of it is not above the
 * rounding of values and of this factorization: {@code |rest| <= (u_x (1 + |shift| / scale) + u (10
 * + sqrt(n) / 8 + d)) (1 + |s|_1) |column|} for n rows, with the unit roundoff {@code u_x} of the
 * rows' type and u of F64. The solution is then the shortest in standardized units (complete
 * orthogonal factorization).
 *
 * <p>Source: Golub and Van Loan, Matrix Computations (2013), sections 5.4.2 (pivoting) and 5.4.7.
 */
final class RankedTriangle {
  private static final double SURELY_FULL = 1e8; // condition up to which nothing can be cut
  private static final int POWER_STEPS = 12;
  private static final double SUSPICIOUS = 1e-6; // part of a column that may be rounding

  private final RowFactor factor;
  private final int d;
  private final int k;
  private final int first; // 1 where a column of ones comes before
  private final double[][] unpivoted;
  private double[][] t; // rows of [A, Q^T y]; upper triangle in the order of the pivots
  private final int[] pivots;
  private final double[] penalties; // roots of what is added to the diagonal of A^T A
  private double largest;
  private double smallest;
  private int rank;

  RankedTriangle(Backend backend, RowFactor factor, double[] penalties, double roundoff) {
    this.factor = factor;
    this.penalties = penalties;
    d = factor.features();
    k = factor.targets();
    first = factor.hasIntercept() ? 1 : 0;
    t = penalized(backend);
    unpivoted = t;
    pivots = new int[d];
    Arrays.setAll(pivots, i -> i);
    rank = d;
    if (!isSingular()) {
      estimateExtremes();
    }
    if (!(largest < SURELY_FULL * smallest)) {
      t = copy(t);
      rank = pivot(roundoff);
      estimateExtremes();
    }
  }

  private double[][] penalized(Backend backend) {
    double[][] rows = new double[d + k][];
    Arrays.setAll(rows, i -> Arrays.copyOfRange(factor.r()[first + i], first, factor.r().length));
    if (Arrays.stream(penalties).noneMatch(p -> p > 0)) {
      return rows;
    }
    try (TensorArena arena = TensorArena.open("ridge")) {
      Tensor r = arena.allocate("triangle", DType.F64, d + k, d + k);
      Tensor ridge = arena.allocate("penalties", DType.F64, d + k, d);
      for (int i = 0; i < d + k; i++) {
        for (int c = i; c < d + k; c++) {
          r.set(i, c, rows[i][c]);
        }
      }
      for (int i = 0; i < d; i++) {
        ridge.set(i, i, penalties[i]);
      }
      backend.linear().triangularize(r, ridge);
      Arrays.setAll(rows, i -> r.rows(i, 1).toArray());
      return rows;
    }
  }

  private static double[][] copy(double[][] rows) {
    return Arrays.stream(rows).map(double[]::clone).toArray(double[][]::new);
  }

  private boolean isSingular() {
    for (int i = 0; i < d; i++) {
      if (t[i][i] == 0) {
        return true;
      }
    }
    return false;
  }

  /** The extreme singular values, from within, by the power method with T^T T and its inverse. */
  private void estimateExtremes() {
    SplittableRandom random = new SplittableRandom(1);
    double[] v = random.doubles(rank, 0.5, 1).toArray();
    double[] inverse = v.clone();
    for (int step = 0; rank > 0 && step < POWER_STEPS; step++) {
      largest = Math.sqrt(normalize(v));
      v = transposed(product(v));
      smallest = 1 / Math.sqrt(normalize(inverse));
      forward(inverse);
      backward(inverse);
    }
  }

  private static double normalize(double[] v) {
    double squares = 0;
    for (double value : v) {
      squares += value * value;
    }
    double norm = Math.sqrt(squares);
    for (int i = 0; i < v.length; i++) {
      v[i] /= norm;
    }
    return norm;
  }

  private double[] product(double[] v) {
    double[] out = new double[rank];
    for (int i = 0; i < rank; i++) {
      for (int c = i; c < rank; c++) {
        out[i] += t[i][c] * v[c];
      }
    }
    return out;
  }

  private double[] transposed(double[] v) {
    double[] out = new double[rank];
    for (int i = 0; i < rank; i++) {
      for (int c = i; c < rank; c++) {
        out[c] += t[i][c] * v[i];
      }
    }
    return out;
  }

  /** Householder reflections with exchange of columns; returns the rank. */
  private int pivot(double roundoff) {
    double root = Math.sqrt(factor.weight());
    double[] least = new double[d]; // for which a column is not cut; infinite where it is
    double computing = 0x1p-53 * (10 + Math.sqrt((double) factor.rows()) / 8 + d);
    for (int c = 0; c < d; c++) {
      double ofValues = roundoff * (1 + Math.abs(factor.shift()[c]) / factor.scale()[c]);
      least[c] = root * (ofValues + computing);
    }
    for (int s = 0; s < d; s++) {
      int best = next(s, least);
      if (best < 0) {
        return s;
      }
      exchange(s, best, least);
      reflect(s);
    }
    return d;
  }

  /** The column with the longest rest that is not cut; -1 if there is none. */
  private int next(int s, double[] least) {
    double[] rests = new double[d];
    for (int i = s; i < d; i++) {
      for (int c = s; c < d; c++) {
        rests[c] += t[i][c] * t[i][c];
      }
    }
    while (true) {
      int best = s;
      for (int c = s; c < d; c++) {
        rests[c] = least[c] == Double.POSITIVE_INFINITY ? -1 : rests[c];
        best = rests[c] > rests[best] ? c : best;
      }
      if (rests[best] < 0) {
        return -1;
      }
      double rest = Math.sqrt(rests[best]);
      if (rest > SUSPICIOUS * Math.sqrt(factor.weight())
          || rest > least[best] * (1 + magnitudes(shares(best, s)))) {
        return best;
      }
      least[best] = Double.POSITIVE_INFINITY;
    }
  }

  private static double magnitudes(double[] v) {
    return Arrays.stream(v).map(Math::abs).sum();
  }

  /** The combination of the first columns that comes next to a column. */
  private double[] shares(int column, int of) {
    double[] shares = new double[of];
    for (int i = 0; i < of; i++) {
      shares[i] = t[i][column];
    }
    return backward(shares);
  }

  private void exchange(int s, int best, double[] least) {
    for (int i = 0; i < d; i++) {
      double held = t[i][s];
      t[i][s] = t[i][best];
      t[i][best] = held;
    }
    int pivot = pivots[s];
    pivots[s] = pivots[best];
    pivots[best] = pivot;
    double held = least[s];
    least[s] = least[best];
    least[best] = held;
  }

  /** Makes column s zero below its diagonal, row by row, so that inner loops are contiguous. */
  private void reflect(int s) {
    double squares = 0;
    for (int i = s + 1; i < d; i++) {
      squares += t[i][s] * t[i][s];
    }
    if (squares == 0) {
      return;
    }
    double top = t[s][s];
    double b = -Math.copySign(Math.sqrt(top * top + squares), top);
    double[] sums = t[s].clone();
    for (int i = s + 1; i < d; i++) {
      double v = t[i][s] / (top - b);
      t[i][s] = v;
      for (int c = s + 1; c < d + k; c++) {
        sums[c] += v * t[i][c];
      }
    }
    double factorOfSums = (b - top) / b;
    for (int c = s + 1; c < d + k; c++) {
      sums[c] *= factorOfSums;
      t[s][c] -= sums[c];
    }
    t[s][s] = b;
    for (int i = s + 1; i < d; i++) {
      double v = t[i][s];
      t[i][s] = 0;
      for (int c = s + 1; c < d + k; c++) {
        t[i][c] -= v * sums[c];
      }
    }
  }

  /** The columns that were cut. */
  List<Integer> cut() {
    return IntStream.range(rank, d).map(i -> pivots[i]).boxed().toList();
  }

  /** The triangle before any exchange of columns, times a factor. */
  double[][] inOrder(double times) {
    double[][] scaled = new double[d][];
    for (int i = 0; i < d; i++) {
      scaled[i] = Arrays.copyOf(unpivoted[i], d);
      for (int c = 0; c < d; c++) {
        scaled[i][c] *= times;
      }
    }
    return scaled;
  }

  int rank() {
    return rank;
  }

  /** The largest singular value of the standardized columns that were kept; 0 if none was. */
  double largest() {
    return largest;
  }

  double smallest() {
    return smallest;
  }

  /** Intercept, if there is one, and coefficients of a target, in standardized units. */
  double[] solve(int target) {
    double[] right = new double[rank];
    for (int i = 0; i < rank; i++) {
      right[i] = t[i][d + target];
    }
    double[] z = scatter(rank == d ? backward(right) : shortest(right));
    return withIntercept(z, first == 0 ? 0 : factor.r()[0][1 + d + target]);
  }

  /** {@code (R^T R)^-1 g} for a vector of the intercept's and the features' elements. */
  double[] correction(double[] g) {
    double[] rest = new double[rank];
    double top = first == 0 ? 0 : g[0] / factor.r()[0][0];
    for (int i = 0; i < rank; i++) {
      double ones = first == 0 ? 0 : factor.r()[0][1 + pivots[i]] * top;
      rest[i] = g[first + pivots[i]] - ones;
    }
    forward(rest);
    return withIntercept(scatter(backward(rest)), top);
  }

  private double[] withIntercept(double[] z, double right) {
    if (first == 0) {
      return z;
    }
    double[] all = new double[1 + d];
    double sum = right;
    for (int c = 0; c < d; c++) {
      all[1 + c] = z[c];
      sum -= factor.r()[0][1 + c] * z[c];
    }
    all[0] = sum / factor.r()[0][0];
    return all;
  }

  private double[] scatter(double[] inOrder) {
    double[] z = new double[d];
    for (int i = 0; i < inOrder.length; i++) {
      z[pivots[i]] = inOrder[i];
    }
    return z;
  }

  private void forward(double[] v) {
    for (int i = 0; i < rank; i++) {
      v[i] /= t[i][i];
      for (int c = i + 1; c < rank; c++) {
        v[c] -= t[i][c] * v[i];
      }
    }
  }

  private double[] backward(double[] v) {
    for (int i = v.length - 1; i >= 0; i--) {
      double sum = v[i];
      for (int c = i + 1; c < v.length; c++) {
        sum -= t[i][c] * v[c];
      }
      v[i] = sum / t[i][i];
    }
    return v;
  }

  /**
   * The shortest z with {@code [T11, T12] z = right}: {@code z = V (V^T V)^-1 right} for {@code V =
   * [T11, T12]^T}, by the QR of V, which has full rank.
   */
  private double[] shortest(double[] right) {
    double[][] q = new double[rank][]; // reflections, by column of V
    double[] s = right.clone();
    double[][] v = new double[rank][];
    Arrays.setAll(v, i -> Arrays.copyOf(t[i], d));
    for (int j = 0; j < rank; j++) {
      double squares = 0;
      for (int i = j; i < d; i++) {
        squares += v[j][i] * v[j][i];
      }
      double b = -Math.copySign(Math.sqrt(squares), v[j][j]);
      q[j] = new double[d];
      System.arraycopy(v[j], j, q[j], j, d - j);
      q[j][j] -= b;
      v[j][j] = b;
      for (int c = j + 1; c < rank; c++) {
        apply(q[j], v[c], j);
      }
    }
    // V = Q S, and S^T w = right row by row
    double[] z = new double[d];
    for (int j = 0; j < rank; j++) {
      double sum = s[j];
      for (int i = 0; i < j; i++) {
        sum -= v[j][i] * z[i];
      }
      z[j] = sum / v[j][j];
    }
    for (int j = rank - 1; j >= 0; j--) {
      apply(q[j], z, j);
    }
    return z;
  }

  /** {@code x -= 2 (q.x / q.q) q} from element {@code from}, before which q is zero. */
  private static void apply(double[] q, double[] x, int from) {
    double squares = 0;
    double product = 0;
    for (int i = from; i < q.length; i++) {
      squares += q[i] * q[i];
      product += q[i] * x[i];
    }
    for (int i = from; squares > 0 && i < q.length; i++) {
      x[i] -= 2 * product / squares * q[i];
    }
  }

  /** The kept columns that a column which was cut is made of. */
  List<Integer> on(int column) {
    int c = rank;
    while (pivots[c] != column) {
      c++;
    }
    double[] shares = shares(c, rank);
    return IntStream.range(0, rank)
        .filter(i -> Math.abs(shares[i]) > SUSPICIOUS)
        .map(i -> pivots[i])
        .sorted()
        .boxed()
        .toList();
  }
}
