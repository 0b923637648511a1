package dev.panagrad.regression;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.Batch;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Summarizes rows in all that least squares needs: the triangle R of {@code [1, Z] = Q R} for the
 * columns of X and y, shifted and scaled, and rows multiplied by the roots of their weights. {@code
 * R^T R} is {@code [1, Z]^T [1, Z]}, but R was never squared, so that no digits are lost.
 *
 * <p>Factors of parts of the rows are merged into that of all of them, so that they can be made
 * apart, on other machines too, and kept: the components are all numbers that there are.
 *
 * <p>One pass over the rows beside two for means and deviations, {@code 2 n m^2} operations for m
 * columns. Which rows are reflected together depends on sizes alone: the bits are the same for any
 * number of threads.
 *
 * @param hasIntercept whether there is a column of ones, the first
 * @param features columns of X
 * @param rows how many there are
 * @param weight the sum of their weights
 * @param shift subtracted from each column, X's first; zeros without intercept
 * @param scale which each column is then divided by
 * @param constant columns of X that are constant, or zero without intercept
 * @param r upper triangle [m, m] in rows of full length
 */
@SuppressWarnings("ArrayRecordComponent") // read, not compared
public record RowFactor(
    boolean hasIntercept,
    int features,
    long rows,
    double weight,
    double[] shift,
    double[] scale,
    boolean[] constant,
    double[][] r) {
  static final int BLOCK =
      128; // rows: columns long enough for vectors, 50 of them nearly fit a level-1 cache
  private static final int MAX_PARTS = 16;
  private static final int MIN_BLOCKS = 16; // of a part: fewer are not worth merging
  private static final long MAX_BYTES = 1 << 26; // of all parts' triangles

  /**
   * Computes the factor of the first rows of a batch in host memory, whose offsets are taken from
   * the targets.
   *
   * @throws IllegalArgumentException if a value is not finite, or its square is not, with its row
   *     and column
   */
  public static RowFactor of(Backend backend, Batch batch, long count, boolean hasIntercept) {
    NormalEquations.checkPositions(batch, 0, count);
    return of(backend, StandardizedRows.of(backend, batch, count, hasIntercept), count);
  }

  static RowFactor of(Backend backend, StandardizedRows rows, long count) {
    int m = rows.columns();
    int parts = parts(count, m);
    long perPart = Math.ceilDiv(Math.ceilDiv(count, BLOCK), parts) * BLOCK;
    try (TensorArena arena = TensorArena.open("factor of rows")) {
      Tensor r = arena.allocate("triangles", DType.F64, (long) parts * m, m);
      Tensor blocks = arena.allocate("blocks of rows", DType.F64, (long) parts * m, BLOCK);
      for (long done = 0; done < perPart; done += BLOCK) {
        for (int part = 0; part < parts; part++) {
          long first = Math.min(part * perPart + done, count);
          long end = Math.min(count, (part + 1) * perPart);
          rows.load(blocks.rows((long) part * m, m), first, Math.clamp(end - first, 0, BLOCK));
        }
        backend.linear().triangularize(r, blocks);
      }
      Tensor all = r.rows(0, m);
      for (int part = 1; part < parts; part++) {
        put(backend, all, r.rows((long) part * m, m));
      }
      return new RowFactor(
          rows.hasIntercept(),
          rows.features(),
          count,
          rows.weight(),
          rows.shift(),
          rows.scale(),
          rows.constant(),
          triangle(all));
    }
  }

  static int parts(long count, int m) {
    long byRows = count / (MIN_BLOCKS * (long) Math.max(BLOCK, m));
    long byMemory = MAX_BYTES / (Double.BYTES * (long) m * m);
    return Math.clamp(Math.min(byRows, byMemory), 1, MAX_PARTS);
  }

  /** Puts a triangle under another one. */
  static void put(Backend backend, Tensor into, Tensor triangle) {
    int m = (int) into.cols();
    try (TensorArena arena = TensorArena.open("merged triangles")) {
      Tensor block = arena.allocate("triangle", DType.F64, m, m);
      for (int i = 0; i < m; i++) {
        for (int c = i; c < m; c++) {
          block.set(c, i, triangle.get(i, c));
        }
      }
      backend.linear().triangularize(into, block);
    }
  }

  static double[][] triangle(Tensor r) {
    double[][] rows = new double[(int) r.cols()][];
    Arrays.setAll(
        rows,
        i -> {
          double[] row = r.rows(i, 1).toArray();
          Arrays.fill(row, 0, i, 0);
          return row;
        });
    return rows;
  }

  /** Computes the factor of these rows and those of another one. */
  public RowFactor merge(Backend backend, RowFactor other) {
    if (other.hasIntercept != hasIntercept
        || other.features != features
        || other.shift.length != shift.length) {
      throw new IllegalArgumentException(
          "factors of %d features and %d targets%s and of %d and %d%s have no common one"
              .formatted(
                  features,
                  shift.length - features,
                  hasIntercept ? "" : " without intercept",
                  other.features,
                  other.shift.length - other.features,
                  other.hasIntercept ? "" : " without intercept"));
    }
    boolean[] both = new boolean[constant.length];
    for (int c = 0; c < both.length; c++) {
      both[c] = constant[c] && other.constant[c] && shift[c] == other.shift[c];
    }
    try (TensorArena arena = TensorArena.open("merge")) {
      Tensor mine = tensor(arena, r);
      put(backend, mine, tensor(arena, other.inUnitsOf(this)));
      long n = rows + other.rows;
      double w = weight + other.weight;
      return new RowFactor(hasIntercept, features, n, w, shift, scale, both, triangle(mine))
          .rescaled();
    }
  }

  /** The same rows, with columns of mean square 1: those of a part may have been constant. */
  private RowFactor rescaled() {
    int first = hasIntercept ? 1 : 0;
    double[] scales = scale.clone();
    double[][] scaled = Arrays.stream(r).map(double[]::clone).toArray(double[][]::new);
    for (int c = 0; c < scales.length; c++) {
      double squares = 0;
      for (int i = first; i <= first + c; i++) {
        squares += r[i][first + c] * r[i][first + c];
      }
      double unit = Math.sqrt(squares / weight);
      if (unit > 0 && unit < Double.POSITIVE_INFINITY && !(c < features && constant[c])) {
        scales[c] *= unit;
        for (int i = 0; i <= first + c; i++) {
          scaled[i][first + c] /= unit;
        }
      }
    }
    return new RowFactor(hasIntercept, features, rows, weight, shift, scales, constant, scaled);
  }

  /** The triangle for another shift and scale: {@code z' = (scale z + shift - shift') / scale'}. */
  private double[][] inUnitsOf(RowFactor other) {
    int first = hasIntercept ? 1 : 0;
    double[][] changed = new double[r.length][];
    for (int i = 0; i < r.length; i++) {
      changed[i] = r[i].clone();
      for (int c = 0; c < shift.length; c++) {
        double ones = hasIntercept ? r[i][0] * (shift[c] - other.shift[c]) : 0;
        changed[i][first + c] = (r[i][first + c] * scale[c] + ones) / other.scale[c];
      }
    }
    return changed;
  }

  private static Tensor tensor(TensorArena arena, double[][] rows) {
    Tensor t = arena.allocate("triangle", DType.F64, rows.length, rows.length);
    IntStream.range(0, rows.length)
        .forEach(i -> IntStream.range(i, rows.length).forEach(c -> t.set(i, c, rows[i][c])));
    return t;
  }

  /**
   * These coordinates make the squared error of standardized features Z round.
   *
   * @param triangle T with {@code T^T T = Z^T Z / weight + l2}
   * @param largestCurvature of the mean squared error along features that are neither constant nor
   *     depend on others, estimated from within as the smallest is
   * @param cut columns that depend on others; in T they are, as constant ones, as if they did not
   */
  @SuppressWarnings("ArrayRecordComponent") // read, not compared
  public record Roundness(
      double[][] triangle, double largestCurvature, double smallestCurvature, List<Integer> cut) {}

  /** Computes the round coordinates, with an L2 penalty in units of the columns. */
  public Roundness roundness(Backend backend, double l2) {
    double root = Math.sqrt(weight);
    double[] penalties = new double[features];
    Arrays.setAll(penalties, c -> constant[c] ? root : root * Math.sqrt(l2) / scale[c]);
    RankedTriangle triangle = new RankedTriangle(backend, this, penalties, 0x1p-53);
    double unit = 2 / weight;
    double largest = unit * triangle.largest() * triangle.largest();
    double smallest = unit * triangle.smallest() * triangle.smallest();
    List<Integer> cut = triangle.cut();
    for (int column : cut) {
      penalties[column] = root;
    }
    if (!cut.isEmpty()) {
      triangle = new RankedTriangle(backend, this, penalties, 0);
    }
    return new Roundness(triangle.inOrder(1 / root), largest, smallest, cut);
  }

  /** The coefficients of a target and then its intercept, from a solution of standardized rows. */
  double[] unscaled(double[] z, int target) {
    return unscaled(z, target, shift);
  }

  /** Returns them for rows whose columns have those means, and this factor's deviations. */
  double[] unscaled(double[] z, int target, double[] means) {
    int first = hasIntercept ? 1 : 0;
    double unit = scale[features + target];
    double[] raw = new double[features + 1];
    ExactSum sum = new ExactSum();
    sum.add(means[features + target], 1);
    sum.add(first == 1 ? z[0] : 0, unit);
    for (int c = 0; c < features; c++) {
      raw[c] = z[first + c] * unit / scale[c];
      sum.add(-raw[c], means[c]);
    }
    raw[features] = sum.value();
    return raw;
  }

  /**
   * What is rounded in a residual of standardized rows, in the target's deviations: its terms, of
   * columns of mean square 1, and the means that the model's intercept takes.
   */
  double[] sizes(double[] z, int target) {
    double terms = 1 + Arrays.stream(z).map(Math::abs).sum();
    double means = Math.abs(shift[features + target]) / scale[features + target];
    for (int c = 0; c < features; c++) {
      means += Math.abs(z[z.length - features + c] * shift[c]) / scale[c];
    }
    return new double[] {terms, means};
  }

  int targets() {
    return shift.length - features;
  }

  /** Weighted mean square of a target around its mean, or around zero without intercept. */
  double targetVariance(int target) {
    int column = r.length - targets() + target;
    double squares = 0;
    for (int i = hasIntercept ? 1 : 0; i <= column; i++) {
      squares += r[i][column] * r[i][column];
    }
    double unit = scale[features + target];
    return squares / weight * unit * unit;
  }
}
