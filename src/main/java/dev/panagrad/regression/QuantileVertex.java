package dev.panagrad.regression;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** One target on its way: from the end of the path to a vertex, and down along edges. */
final class QuantileVertex {
  private static final double TIE = 1e-12; // of standardized targets
  private static final double INDEPENDENT = 1e-6; // part of a row that others must not explain
  private static final int BLOCK = QuantileProgram.BLOCK;
  private static final int MAX_BREAKS = 64; // of one edge: as a rule it is one
  private final QuantileProgram program;
  private final int n;
  private final int m;
  private final double tau;
  private final double[] s;
  private final double[] theta;
  private final double[] r; // residuals
  private final double[] u; // what they fall by along an edge
  private final List<Integer> basis = new ArrayList<>();
  private final List<double[]> directions = new ArrayList<>(); // orthonormal, of the basis
  private final double[] duals; // of the vertex
  private double tie;
  private double loss;
  private double gap = Double.POSITIVE_INFINITY;

  QuantileVertex(QuantileProgram program) {
    this.program = program;
    n = program.n;
    m = program.m;
    tau = program.tau;
    s = program.s;
    theta = program.theta;
    r = program.dp;
    u = program.dq;
    duals = program.dx;
  }

  /** Coefficients of standardized columns; leaves loss and gap. */
  double[] solve() {
    if (m == 0 || !program.follow()) {
      double[] z = program.coefficients(theta);
      loss = residuals(z);
      gap = m == 0 ? 0 : loss; // which is rounding
      return z;
    }
    double[] z = program.coefficients(theta);
    loss = residuals(z);
    double[] vertex = vertex();
    boolean isBetter = vertex != null && residuals(vertex) <= loss * (1 + 1e-14);
    z = isBetter ? vertex : z;
    loss = residuals(z);
    double[] squares = new double[n];
    Arrays.setAll(squares, i -> s[i] * s[i]);
    double[][] triangle = program.factor(squares);
    gap = loss;
    if (vertex != null) {
      prove(triangle);
    }
    Arrays.setAll(duals, this::inside);
    prove(triangle);
    return z;
  }

  /** The path's dual variable of a row. */
  private double inside(int i) {
    return program.x[i] - (1 - tau);
  }

  private double dual(int i) {
    return Math.abs(r[i]) <= tie ? inside(i) : r[i] > 0 ? tau : tau - 1;
  }

  private double pinball(double residual) {
    return residual > 0 ? tau * residual : (tau - 1) * residual;
  }

  /** Makes r the residuals of standardized coefficients, and returns their mean loss. */
  private double residuals(double[] z) {
    double[] block = new double[(m + 1) * BLOCK];
    double sum = 0;
    for (int first = 0; first < n; first += BLOCK) {
      program.load(first, block);
      subtract(block, z, first);
      double part = 0;
      for (int i = first; i < Math.min(n, first + BLOCK); i++) {
        part += s[i] * pinball(r[i]);
      }
      sum += part;
    }
    return sum / program.total;
  }

  private void residualsOfTheta() {
    for (int first = 0; first < n; first += BLOCK) {
      subtract(program.block(first), theta, first);
    }
  }

  private void subtract(double[] block, double[] v, int first) {
    System.arraycopy(block, m * BLOCK, r, first, Math.min(BLOCK, n - first));
    program.addProduct(block, -1, v, r, first);
  }

  /** Sums rows of Q times their elements of u. */
  private double[] transposed() {
    double[] sums = new double[m];
    for (int first = 0; first < n; first += BLOCK) {
      program.addTransposed(program.block(first), u, sums, first);
    }
    return sums;
  }

  /** Lowers the gap to what the dual variables prove, for the residuals r. */
  private void prove(double[][] triangle) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      double y = Math.clamp(duals[i], tau - 1, tau);
      sum += s[i] * (pinball(r[i]) - y * r[i]);
      u[i] = s[i] * y;
    }
    double[] e = QuantileProgram.forward(triangle, transposed());
    double rest = Math.sqrt(dot(e, e)) * 2 * loss / Math.min(tau, 1 - tau);
    double proved = sum / program.total + rest;
    gap = proved < gap ? proved : gap;
  }

  /** The best vertex that edges lead to; null if there is none. */
  private double[] vertex() {
    tie = TIE * (1 + Arrays.stream(theta).map(Math::abs).sum());
    choose();
    residualsOfTheta();
    while (basis.size() < m) {
      int entering = descend(free(), -1);
      if (entering < 0) {
        return null;
      }
      join(entering, 0);
    }
    for (int turn = 0; ; turn++) {
      double[][] matrix = new double[m][];
      Arrays.setAll(matrix, j -> row(basis.get(j)));
      double[] right = new double[m];
      Arrays.setAll(right, j -> target(basis.get(j)));
      double[] exact = new SquareSystem(matrix, false).solve(right);
      if (!Double.isFinite(Arrays.stream(exact).sum())) {
        return null;
      }
      System.arraycopy(exact, 0, theta, 0, m);
      residualsOfTheta();
      if (turn == 50 + 10 * m || !pivot(matrix)) {
        return standardized();
      }
    }
  }

  /** Takes rows on the plane, the surest first, as far as they are independent. */
  private void choose() {
    int most = Math.min(n, 4 * m + 16);
    int[] best = new int[most];
    double[] values = new double[most];
    int found = 0;
    for (int i = 0; i < n; i++) {
      double value = program.onPlane(i);
      if (value > 1 && (found < most || value > values[most - 1])) {
        int at = found < most ? found++ : most - 1;
        for (; at > 0 && values[at - 1] < value; at--) {
          values[at] = values[at - 1];
          best[at] = best[at - 1];
        }
        values[at] = value;
        best[at] = i;
      }
    }
    for (int j = 0; j < found && basis.size() < m; j++) {
      join(best[j], INDEPENDENT);
    }
  }

  /** Takes a row into the basis if it is independent, and moves theta the shortest way onto it. */
  private void join(int i, double independent) {
    double[] row = row(i);
    double[] rest = row.clone();
    clear(rest);
    double norm = Math.sqrt(dot(rest, rest));
    if (norm > independent * Math.sqrt(dot(row, row))) {
      scale(rest, 1 / norm);
      basis.add(i);
      directions.add(rest);
      add((target(i) - dot(row, theta)) / dot(row, rest), rest, theta);
    }
  }

  private void clear(double[] v) {
    for (int turn = 0; turn < 2; turn++) {
      for (double[] direction : directions) {
        add(-dot(v, direction), direction, v);
      }
    }
  }

  private static double dot(double[] v, double[] w) {
    double sum = 0;
    for (int c = 0; c < v.length; c++) {
      sum += v[c] * w[c];
    }
    return sum;
  }

  private static void add(double times, double[] v, double[] to) {
    for (int c = 0; c < v.length; c++) {
      to[c] += times * v[c];
    }
  }

  private static void scale(double[] v, double by) {
    for (int c = 0; c < v.length; c++) {
      v[c] *= by;
    }
  }

  private double[] row(int i) {
    return row(program.block(i - i % BLOCK), i % BLOCK);
  }

  private double[] row(double[] block, int at) {
    double[] row = new double[m];
    Arrays.setAll(row, c -> block[c * BLOCK + at]);
    return row;
  }

  private double target(int i) {
    return program.block(i - i % BLOCK)[m * BLOCK + i % BLOCK];
  }

  /** The steepest direction that stays on the rows of the basis. */
  private double[] free() {
    Arrays.setAll(u, i -> s[i] * dual(i));
    double[] down = transposed();
    double before = Math.sqrt(dot(down, down));
    clear(down);
    double norm = Math.sqrt(dot(down, down));
    if (norm > 1e-9 * before) {
      scale(down, 1 / norm);
      return down;
    }
    double[] longest = new double[m];
    for (int c = 0; c < m; c++) {
      double[] unit = new double[m];
      unit[c] = 1;
      clear(unit);
      longest = dot(unit, unit) > dot(longest, longest) ? unit : longest;
    }
    scale(longest, 1 / Math.sqrt(dot(longest, longest)));
    return longest;
  }

  /**
   * Moves theta along a direction, or against it, to where the loss is least, and returns the row
   * that is then on the plane.
   *
   * @param leaving element of the basis that the direction leaves: -1 is returned, and nothing
   *     moved, if neither way leads down. If -1, it is none, and the nearest row is taken then
   */
  private int descend(double[] direction, int leaving) {
    Arrays.fill(u, 0);
    for (int first = 0; first < n; first += BLOCK) {
      program.addProduct(program.block(first), 1, direction, u, first);
    }
    for (int j = 0; j < basis.size(); j++) {
      u[basis.get(j)] = j == leaving ? u[basis.get(j)] : 0;
    }
    double forth = 0; // the slopes of both ways
    double back = 0;
    double size = 0;
    int tied = -1;
    for (int i = 0; i < n; i++) {
      boolean isTied = Math.abs(r[i]) <= tie;
      double slope = (r[i] > 0 ? -tau : 1 - tau) * u[i];
      forth += s[i] * (isTied ? pinball(-u[i]) : slope);
      back += s[i] * (isTied ? pinball(u[i]) : -slope);
      size += s[i] * Math.abs(u[i]);
      double best = tied < 0 ? INDEPENDENT : Math.abs(u[tied]);
      tied = isTied && s[i] > 0 && Math.abs(u[i]) > best ? i : tied;
    }
    double slope = Math.min(forth, back);
    if (!(slope < -1e-13 * size) && (leaving >= 0 || tied >= 0)) {
      return leaving >= 0 ? -1 : tied;
    }
    double sign = back < forth ? -1 : 1;
    double least = 1e-10 * size / program.total; // smaller steps of a residual are rounding
    double at = 0;
    int entering = -1;
    for (int turn = 0; turn < MAX_BREAKS && (turn == 0 || slope < 0); turn++) {
      double next = Double.POSITIVE_INFINITY;
      double jump = 0;
      for (int i = 0; i < n; i++) {
        double step = sign * r[i] / u[i];
        if (step > at && step <= next && isBreak(i, least)) {
          jump = (step == next ? jump : 0) + s[i] * Math.abs(u[i]);
          entering = i;
          next = step;
        }
      }
      if (next == Double.POSITIVE_INFINITY) {
        break;
      }
      at = next;
      slope += jump;
    }
    if (entering >= 0) {
      add(sign * at, direction, theta);
      residualsOfTheta();
    }
    return entering;
  }

  private boolean isBreak(int i, double least) {
    return s[i] > 0 && Math.abs(u[i]) > least && Math.abs(r[i]) > tie;
  }

  /** Leaves a vertex along an edge that leads down; false if none does. */
  private boolean pivot(double[][] matrix) {
    findDuals(matrix);
    double[] excess = new double[m];
    Integer[] order = new Integer[m];
    for (int j = 0; j < m; j++) {
      double y = duals[basis.get(j)];
      excess[j] = Math.max(y - tau, tau - 1 - y);
      order[j] = j;
    }
    Arrays.sort(order, (i, j) -> Double.compare(excess[j], excess[i]));
    SquareSystem system = new SquareSystem(matrix, false);
    for (int j : order) {
      if (!(excess[j] > 1e-9)) {
        return false;
      }
      double[] unit = new double[m];
      unit[j] = 1;
      int entering = descend(system.solve(unit), j);
      if (entering >= 0) {
        basis.set(j, entering);
        return true;
      }
    }
    return false;
  }

  /** Dual variables of the vertex; those of rows that happen to be on it are the path's. */
  private void findDuals(double[][] matrix) {
    Arrays.setAll(duals, this::dual);
    for (int i : basis) {
      duals[i] = 0;
    }
    Arrays.setAll(u, i -> -s[i] * duals[i]);
    double[] shares = new SquareSystem(matrix, true).solve(transposed());
    for (int j = 0; j < m; j++) {
      duals[basis.get(j)] = shares[j] / s[basis.get(j)];
    }
  }

  /** The vertex by rows as they were before they were made orthonormal: all digits. */
  private double[] standardized() {
    double[] block = new double[(m + 1) * BLOCK];
    double[][] matrix = new double[m][];
    double[] right = new double[m];
    for (int j = 0; j < m; j++) {
      int at = basis.get(j) % BLOCK;
      program.load(basis.get(j) - at, block);
      matrix[j] = row(block, at);
      right[j] = block[m * BLOCK + at];
    }
    return new SquareSystem(matrix, false).solve(right);
  }

  double loss() {
    return loss;
  }

  double gap() {
    return gap;
  }

  int iterations() {
    return program.iterations;
  }

  /** A square system by elimination with exchange of rows, and one step of refinement. */
  private static final class SquareSystem {
    private final double[][] matrix;
    private final double[][] lu;
    private final int[] order;

    SquareSystem(double[][] rows, boolean isTransposed) {
      int m = rows.length;
      matrix = new double[m][m];
      order = IntStream.range(0, m).toArray();
      for (int i = 0; i < m; i++) {
        for (int c = 0; c < m; c++) {
          matrix[i][c] = isTransposed ? rows[c][i] : rows[i][c];
        }
      }
      lu = Arrays.stream(matrix).map(double[]::clone).toArray(double[][]::new);
      for (int k = 0; k < m; k++) {
        int best = k;
        for (int i = k + 1; i < m; i++) {
          best = Math.abs(lu[i][k]) > Math.abs(lu[best][k]) ? i : best;
        }
        double[] row = lu[best];
        lu[best] = lu[k];
        lu[k] = row;
        int held = order[best];
        order[best] = order[k];
        order[k] = held;
        for (int i = k + 1; i < m; i++) {
          lu[i][k] /= row[k];
          for (int c = k + 1; c < m; c++) {
            lu[i][c] -= lu[i][k] * row[c];
          }
        }
      }
    }

    double[] solve(double[] right) {
      double[] z = eliminate(right);
      double[] rest = right.clone();
      for (int i = 0; i < z.length; i++) {
        for (int c = 0; c < z.length; c++) {
          rest[i] -= matrix[i][c] * z[c];
        }
      }
      add(1, eliminate(rest), z);
      return z;
    }

    private double[] eliminate(double[] right) {
      double[] v = new double[right.length];
      for (int i = 0; i < v.length; i++) {
        v[i] = right[order[i]];
        for (int c = 0; c < i; c++) {
          v[i] -= lu[i][c] * v[c];
        }
      }
      return QuantileProgram.backward(lu, v);
    }
  }
}
