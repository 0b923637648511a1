package dev.panagrad.data;

import dev.panagrad.data.csv.CsvTable;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;

/** Data for tests: the two bundled files, literal rows, and noisy planes. */
public final class Datasets {
  private Datasets() {}

  /** A file of the test resources. */
  public static Dataset resource(TensorArena arena, DType dtype, String name, String target) {
    return TableReader.of(
            CsvTable.of(name, () -> Datasets.class.getResourceAsStream("/data/" + name + ".csv")))
        .targets(List.of(target))
        .read(arena, dtype);
  }

  /** Those rows. */
  public static Dataset of(TensorArena arena, DType dtype, double[][] x, double[][] y) {
    return Dataset.of(matrix(arena, "X", dtype, x), matrix(arena, "y", dtype, y));
  }

  /** Those rows as a tensor. */
  public static Tensor matrix(TensorArena arena, String name, DType dtype, double[][] rows) {
    Tensor t = arena.allocate(name, dtype, rows.length, rows[0].length);
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        t.set(i, j, rows[i][j]);
      }
    }
    return t;
  }

  /** Rows of standard normal numbers. */
  public static double[][] normal(long seed, int rows, int cols) {
    Random random = new Random(seed);
    double[][] values = new double[rows][cols];
    for (double[] row : values) {
      for (int j = 0; j < cols; j++) {
        row[j] = random.nextGaussian();
      }
    }
    return values;
  }

  /** Normal features times random weights, plus 3, plus normal noise of that deviation. */
  public static Dataset plane(
      TensorArena arena, DType dtype, long seed, int rows, int cols, int outputs, double noise) {
    double[][] x = normal(seed, rows, cols);
    double[][] w = normal(seed + 1, outputs, cols);
    double[][] e = normal(seed + 2, rows, outputs);
    double[][] y = new double[rows][outputs];
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < outputs; j++) {
        y[i][j] = 3 + noise * e[i][j];
        for (int f = 0; f < cols; f++) {
          y[i][j] += w[j][f] * x[i][f];
        }
      }
    }
    return of(arena, dtype, x, y);
  }

  /** All elements, [row][column]. */
  public static double[][] rows(Tensor t) {
    double[][] rows = new double[Math.toIntExact(t.rows())][Math.toIntExact(t.cols())];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < rows[i].length; j++) {
        rows[i][j] = t.get(i, j);
      }
    }
    return rows;
  }
}
