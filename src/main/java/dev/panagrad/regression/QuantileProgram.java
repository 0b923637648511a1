package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * The linear program of quantile regression for one target, followed from inside to a small duality
 * gap.
 *
 * <pre>
 *   least     sum_i s_i (tau p_i + (1 - tau) q_i)      p - q = r = y - Q theta,   p, q >= 0
 *   dual      a_i = x_i - (1 - tau),  t_i = 1 - x_i    Q^T S a = 0,               x, t >= 0
 *   gap       sum_i s_i (p_i t_i + q_i x_i)
 *   path      p_i t_i = q_i x_i = mu
 * </pre>
 *
 * Weights s factor out of the path: x is in [0, 1] in every row, a row of weight 2 follows the path
 * as two rows do, and weights from 1e-300 to 1e300 cost no digits of x. Q is the matrix of rows
 * times the inverse of its triangle, so that columns are orthonormal however X is conditioned. An
 * iteration is Mehrotra's predictor and corrector, whose two systems share one QR of the rows times
 * the roots of {@code s d}, {@code d = 1 / (p / t + q / x)}.
 *
 * <p>Source: Portnoy and Koenker (1997), The Gaussian hare and the Laplacian tortoise; Mehrotra
 * (1992), On the implementation of a primal-dual interior point method.
 */
final class QuantileProgram {
  static final int BLOCK = RowFactor.BLOCK;
  static final int MAX_ITERATIONS = 100;
  private static final int MAX_STALLS = 15; // gaps in a row that were no less than one before
  private static final double GAP = 1e-9; // as a part of the loss
  private static final double MAX_STEP = 0.9995; // part of the way to the boundary
  private static final long MAX_CACHE = 1 << 28; // bytes of Q that are kept

  private final Backend backend;
  private final StandardizedRows rows;
  private final int[] columns; // of the block that rows load: those of Q, then the target
  private final double[][] cache; // blocks of Q and y, or null
  private final double[] loaded;
  private double[][] triangle; // Q = A R^-1
  final int n;
  final int m; // columns
  final double tau;
  final double[] s;
  final double total; // sum of s
  final double[] theta;
  final double[] x;
  private final double[] t;
  private final double[] p;
  private final double[] q;
  private final double[] d;
  final double[] dx; // steps; free for other uses when the path has ended, as the next two are
  final double[] dp;
  final double[] dq;
  double scale; // mean magnitude of residuals at the start
  private double damping; // of the corrector: how far the predictor could go
  int iterations;

  /** The program of the first n rows, whose columns are independent. */
  QuantileProgram(Backend backend, StandardizedRows rows, int[] columns, double[] s, double tau) {
    this.backend = backend;
    this.rows = rows;
    this.columns = columns;
    this.s = s;
    this.tau = tau;
    n = s.length;
    m = columns.length - 1;
    total = Arrays.stream(s).sum();
    theta = new double[m];
    x = new double[n];
    t = new double[n];
    p = new double[n];
    q = new double[n];
    d = new double[n];
    dx = new double[n];
    dp = new double[n];
    dq = new double[n];
    loaded = new double[(m + 1) * BLOCK];
    triangle = m == 0 ? new double[0][] : factor(s);
    double root = Math.sqrt(total);
    for (double[] row : triangle) {
      for (int c = 0; c < m; c++) {
        row[c] /= root;
      }
    }
    long bytes = (long) Math.ceilDiv(n, BLOCK) * loaded.length * Double.BYTES;
    boolean isSmall = bytes <= Math.min(MAX_CACHE, Runtime.getRuntime().maxMemory() / 4);
    cache = isSmall ? new double[Math.ceilDiv(n, BLOCK)][] : null;
  }

  /** The columns of a block of Q and y, one after the other; valid until the next call. */
  double[] block(int first) {
    if (cache != null && cache[first / BLOCK] != null) {
      return cache[first / BLOCK];
    }
    double[] block = cache == null ? loaded : loaded.clone();
    load(first, block);
    for (int c = 0; triangle != null && c < m; c++) {
      for (int j = 0; j < c; j++) {
        subtract(block, j * BLOCK, triangle[j][c], c * BLOCK);
      }
      for (int i = c * BLOCK; i < (c + 1) * BLOCK; i++) {
        block[i] /= triangle[c][c];
      }
    }
    if (cache != null) {
      cache[first / BLOCK] = block;
    }
    return block;
  }

  private static void subtract(double[] v, int from, double times, int to) {
    for (int i = 0; i < BLOCK; i++) {
      v[to + i] -= times * v[from + i];
    }
  }

  /** Loads a block of A and y; zeros behind the last row. */
  void load(int first, double[] block) {
    try (TensorArena arena = TensorArena.open("rows of a quantile")) {
      Tensor all = arena.allocate("block", DType.F64, rows.columns(), BLOCK);
      rows.load(all, first, Math.min(BLOCK, n - first));
      for (int c = 0; c <= m; c++) {
        long at = all.byteOffset() + columns[c] * all.rowStride() * Double.BYTES;
        MemorySegment.copy(all.segment(), ValueLayout.JAVA_DOUBLE, at, block, c * BLOCK, BLOCK);
      }
    }
  }

  /** Adds {@code times M v} for the columns M of a block to its rows of out. */
  void addProduct(double[] block, double times, double[] v, double[] out, int first) {
    int count = Math.min(BLOCK, n - first);
    for (int c = 0; c < m; c++) {
      double factor = times * v[c];
      int at = c * BLOCK;
      for (int i = 0; i < count; i++) {
        out[first + i] += factor * block[at + i];
      }
    }
  }

  /** Adds {@code M^T v} for the columns M of a block and its rows of v. */
  void addTransposed(double[] block, double[] v, double[] out, int first) {
    int count = Math.min(BLOCK, n - first);
    for (int c = 0; c < m; c++) {
      int at = c * BLOCK;
      double even = 0;
      double odd = 0;
      for (int i = 0; i + 1 < count; i += 2) {
        even += block[at + i] * v[first + i];
        odd += block[at + i + 1] * v[first + i + 1];
      }
      if ((count & 1) == 1) {
        even += block[at + count - 1] * v[first + count - 1];
      }
      out[c] += even + odd;
    }
  }

  /** The R of the QR of rows times the roots of factors; of A before Q is known. */
  double[][] factor(double[] factors) {
    int parts = RowFactor.parts(n, m);
    int perPart = Math.ceilDiv(Math.ceilDiv(n, BLOCK), parts) * BLOCK;
    try (TensorArena arena = TensorArena.open("factor of a quantile's rows")) {
      Tensor r = arena.allocate("triangles", DType.F64, (long) parts * m, m);
      Tensor blocks = arena.allocate("blocks of rows", DType.F64, (long) parts * m, BLOCK);
      double[] scaled = new double[BLOCK];
      double[] roots = new double[BLOCK];
      for (int done = 0; done < perPart; done += BLOCK) {
        for (int part = 0; part < parts; part++) {
          int first = Math.min((int) Math.min((long) part * perPart + done, n), n);
          double[] block = first < n ? factorBlock(first) : loaded;
          for (int i = 0; i < BLOCK; i++) {
            roots[i] = first + i < n ? Math.sqrt(factors[first + i]) : 0;
          }
          for (int c = 0; c < m; c++) {
            for (int i = 0; i < BLOCK; i++) {
              scaled[i] = roots[i] == 0 ? 0 : roots[i] * block[c * BLOCK + i];
            }
            Tensor row = blocks.rows((long) part * m + c, 1);
            MemorySegment.copy(
                scaled, 0, row.segment(), ValueLayout.JAVA_DOUBLE, row.byteOffset(), BLOCK);
          }
        }
        backend.linear().triangularize(r, blocks);
      }
      Tensor all = r.rows(0, m);
      for (int part = 1; part < parts; part++) {
        RowFactor.put(backend, all, r.rows((long) part * m, m));
      }
      return RowFactor.triangle(all);
    }
  }

  private double[] factorBlock(int first) {
    if (triangle == null) {
      load(first, loaded);
      return loaded;
    }
    return block(first);
  }

  /** {@code R^-T g}, in place. */
  static double[] forward(double[][] r, double[] g) {
    for (int i = 0; i < g.length; i++) {
      g[i] /= r[i][i];
      for (int c = i + 1; c < g.length; c++) {
        g[c] -= r[i][c] * g[i];
      }
    }
    return g;
  }

  /** {@code R^-1 g}, in place. */
  static double[] backward(double[][] r, double[] g) {
    for (int i = g.length - 1; i >= 0; i--) {
      for (int c = i + 1; c < g.length; c++) {
        g[i] -= r[i][c] * g[c];
      }
      g[i] /= r[i][i];
    }
    return g;
  }

  /** Coordinates of Q as coefficients of A. */
  double[] coefficients(double[] theta) {
    return backward(triangle, theta.clone());
  }

  /** Follows the path; false if least squares leave no more than rounding, and it was not. */
  boolean follow() {
    double rounding = start();
    if (scale * total <= rounding) {
      return false;
    }
    double before = Double.POSITIVE_INFINITY;
    for (int stalls = 0; iterations < MAX_ITERATIONS && stalls < MAX_STALLS; iterations++) {
      double[] found = gapAndLoss();
      if (found[0] <= GAP * found[1] + rounding) {
        break;
      }
      stalls = found[0] < 0.999 * before ? 0 : stalls + 1;
      before = Math.min(before, found[0]);
      if (!iterate(found[0])) {
        break;
      }
    }
    return true;
  }

  /**
   * Least squares, then a point of the path but for Q^T S a = 0; returns the rounding of the sum of
   * residuals.
   */
  private double start() {
    for (int first = 0; first < n; first += BLOCK) {
      double[] block = block(first);
      for (int i = first; i < Math.min(n, first + BLOCK); i++) {
        dx[i] = s[i] * block[m * BLOCK + i - first] / total;
      }
      addTransposed(block, dx, theta, first);
    }
    double[] sizes = Arrays.stream(theta).map(Math::abs).toArray();
    double rounding = 0;
    double sum = 0;
    for (int first = 0; first < n; first += BLOCK) {
      double[] block = block(first);
      int count = Math.min(BLOCK, n - first);
      System.arraycopy(block, m * BLOCK, dx, first, count);
      addProduct(block, -1, theta, dx, first);
      for (int i = 0; i < count; i++) {
        double magnitude = Math.abs(block[m * BLOCK + i]);
        for (int c = 0; c < m; c++) {
          magnitude += Math.abs(block[c * BLOCK + i]) * sizes[c];
        }
        rounding += s[first + i] * magnitude;
        sum += s[first + i] * Math.abs(dx[first + i]);
      }
    }
    if (rows.hasIntercept()) {
      double shift = quantile();
      theta[0] += shift * triangle[0][0];
      Arrays.setAll(dx, i -> dx[i] - shift);
    }
    scale = sum / total;
    double mu = 0;
    for (int i = 0; i < n; i++) {
      mu += s[i] * (dx[i] > 0 ? tau * dx[i] : (tau - 1) * dx[i]) / (2 * total);
    }
    for (int i = 0; i < n; i++) {
      double part = Math.abs(dx[i]) / mu;
      double small = 2 / (part + 2 + Math.sqrt(part * part + 4));
      x[i] = dx[i] > 0 ? 1 - small : small;
      t[i] = dx[i] > 0 ? small : 1 - small;
      p[i] = mu / t[i];
      q[i] = mu / x[i];
    }
    return rounding * (m + 4) * 0x1p-53;
  }

  /** The weighted quantile of dx, to some digits. */
  private double quantile() {
    double low = Arrays.stream(dx).min().orElse(0);
    double high = Arrays.stream(dx).max().orElse(0);
    for (int turn = 0; turn < 50; turn++) {
      double middle = low + (high - low) / 2;
      double below = 0;
      for (int i = 0; i < n; i++) {
        below += dx[i] <= middle ? s[i] : 0;
      }
      low = below < tau * total ? middle : low;
      high = below < tau * total ? high : middle;
    }
    return high;
  }

  private double[] gapAndLoss() {
    double gap = 0;
    double loss = 0;
    for (int i = 0; i < n; i++) {
      gap += s[i] * (p[i] * t[i] + q[i] * x[i]);
      double r = p[i] - q[i];
      loss += s[i] * (r > 0 ? tau * r : (tau - 1) * r);
    }
    return new double[] {gap, loss};
  }

  /** One predictor and corrector; false, and nothing changed, if rounding leaves no direction. */
  private boolean iterate(double gap) {
    double[] right = new double[m];
    for (int first = 0; first < n; first += BLOCK) {
      for (int i = first; i < Math.min(n, first + BLOCK); i++) {
        d[i] = 1 / (p[i] / t[i] + q[i] / x[i]);
        dp[i] = s[i] * (d[i] * (p[i] - q[i]) + (x[i] - (1 - tau)));
        dq[i] = s[i] * d[i];
      }
      addTransposed(block(first), dp, right, first);
    }
    double[][] r = factor(dq);
    double mu = target(gap, backward(r, forward(r, right)));
    right = new double[m];
    for (int first = 0; first < n; first += BLOCK) {
      for (int i = first; i < Math.min(n, first + BLOCK); i++) {
        double stepP = p[i] * (dx[i] / t[i] - 1);
        double stepQ = -q[i] * (dx[i] / x[i] + 1);
        dp[i] = mu - p[i] * t[i] + damping * stepP * dx[i];
        dq[i] = mu - q[i] * x[i] - damping * stepQ * dx[i];
        double v = dq[i] / x[i] - dp[i] / t[i];
        dx[i] = s[i] * (d[i] * v + (x[i] - (1 - tau)));
      }
      addTransposed(block(first), dx, right, first);
    }
    double[] step = backward(r, forward(r, right));
    return Double.isFinite(Arrays.stream(step).sum()) && move(step);
  }

  /** Leaves the predictor's dx; returns the mu that Mehrotra's rule makes the target. */
  private double target(double gap, double[] step) {
    double primal = 1;
    double dual = 1;
    double byPrimal = 0;
    double byDual = 0;
    double byBoth = 0;
    for (int first = 0; first < n; first += BLOCK) {
      int end = Math.min(n, first + BLOCK);
      Arrays.fill(dx, first, end, 0);
      addProduct(block(first), -1, step, dx, first);
      for (int i = first; i < end; i++) {
        dx[i] = d[i] * (p[i] - q[i] + dx[i]);
        double a = dx[i] / t[i];
        double b = dx[i] / x[i];
        primal = Math.max(primal, Math.max(1 - a, 1 + b));
        dual = Math.max(dual, Math.max(a, -b));
        double stepP = p[i] * (a - 1);
        double stepQ = -q[i] * (b + 1);
        byPrimal += s[i] * (stepP * t[i] + stepQ * x[i]);
        byDual += s[i] * (q[i] - p[i]) * dx[i];
        byBoth += s[i] * (stepQ - stepP) * dx[i];
      }
    }
    double left = gap + byPrimal / primal + byDual / dual + byBoth / (primal * dual);
    damping = Math.min(1, 10 / (primal * dual));
    double part = Math.clamp(left / gap, 0, 1);
    return part * part * part * gap / (2 * total);
  }

  /** Goes the corrector's direction; dp and dq hold what the products are to change by. */
  private boolean move(double[] step) {
    double primal = MAX_STEP;
    double dual = MAX_STEP;
    for (int first = 0; first < n; first += BLOCK) {
      int end = Math.min(n, first + BLOCK);
      Arrays.fill(dx, first, end, 0);
      addProduct(block(first), -1, step, dx, first);
      for (int i = first; i < end; i++) {
        dx[i] = d[i] * (dq[i] / x[i] - dp[i] / t[i] + dx[i]);
        dp[i] = (dp[i] + p[i] * dx[i]) / t[i];
        dq[i] = (dq[i] - q[i] * dx[i]) / x[i];
        primal = Math.max(primal, Math.max(-dp[i] / p[i], -dq[i] / q[i]));
        dual = Math.max(dual, Math.max(dx[i] / t[i], -dx[i] / x[i]));
      }
    }
    double byPrimal = MAX_STEP / primal;
    double byDual = MAX_STEP / dual;
    if (!(byPrimal > 0 && byDual > 0)) {
      return false;
    }
    for (int i = 0; i < n; i++) {
      p[i] = Math.max(p[i] + byPrimal * dp[i], Double.MIN_NORMAL);
      q[i] = Math.max(q[i] + byPrimal * dq[i], Double.MIN_NORMAL);
      x[i] = Math.max(x[i] + byDual * dx[i], Double.MIN_NORMAL);
      t[i] = Math.max(t[i] - byDual * dx[i], Double.MIN_NORMAL);
    }
    for (int c = 0; c < m; c++) {
      theta[c] += byPrimal * step[c];
    }
    return true;
  }

  /** How much a row is on the plane and not to one side of it: beyond 1 where it is. */
  double onPlane(int i) {
    return s[i] > 0 ? scale / (p[i] / t[i] + q[i] / x[i]) : 0;
  }
}
