package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.backend.Batch;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What solutions leave of targets, by rows of several chunks. */
class RowResidualsTest {
  /** Rows of several chunks, by the sums of products and by reflections. */
  @Test
  void sameBitsOnAnyNumberOfThreadsAndTheGradientOfTheRows() {
    Random random = new Random(3);
    int rows = 40_000;
    int d = 30;
    int k = 11; // more targets than one pass takes
    try (TensorArena arena = TensorArena.open("chunks")) {
      Tensor x = arena.allocate("x", DType.F64, rows, d);
      Tensor y = arena.allocate("y", DType.F64, rows, k);
      Tensor weights = arena.allocate("weights", DType.F64, rows);
      Tensor offset = arena.allocate("offset", DType.F64, rows);
      for (int i = 0; i < rows; i++) {
        for (int c = 0; c < d; c++) {
          x.set(i, c, (c + 1) * (random.nextGaussian() + c));
        }
        for (int j = 0; j < k; j++) {
          y.set(i, j, x.get(i, j) - 2 * x.get(i, j + 1) + random.nextGaussian());
        }
        weights.set(i, random.nextInt(4));
        offset.set(i, random.nextGaussian());
      }
      Tensor narrow = y.columns(2, 1);
      for (DenseRows of :
          List.of(
              new DenseRows(x, y),
              new DenseRows(x, narrow),
              new DenseRows(x, y, weights, null),
              new DenseRows(x, y, weights, offset))) {
        ExactSolution.Ridge ridge = new ExactSolution.Ridge(0.1, false);
        ExactSolution alone = null;
        for (int threads : new int[] {1, 2, 64}) {
          try (Backend backend = Backends.open("simd", new BackendOptions(threads))) {
            ExactSolution found = ExactSolution.solve(backend, new Batch(of), rows, true, ridge);
            alone = alone == null ? found : alone;
            assertArrayEquals(alone.coefficients(), found.coefficients());
            assertArrayEquals(alone.meanSquaredError(), found.meanSquaredError());
            assertArrayEquals(alone.diagnosis().gradient(), found.diagnosis().gradient());
          }
        }
        for (int j = 0; j < of.outputs(); j++) {
          checkGradient(of, alone, j, ridge.l2());
        }
      }
    }
  }

  /** A row whose weight is nothing beside others is left out by all passes. */
  @Test
  void aRowOfVanishingWeightMayHoldAnything() {
    try (Backend backend = Backends.open("simd", new BackendOptions(2));
        TensorArena arena = TensorArena.open("vanishing")) {
      Tensor x = arena.allocate("x", DType.F64, 10, 1);
      Tensor y = arena.allocate("y", DType.F64, 10);
      Tensor weights = arena.allocate("weights", DType.F64, 10).fill(1e300);
      for (int i = 0; i < 10; i++) {
        x.set(i, 0, i);
        y.set(i, 2.0 * i + 1);
      }
      x.set(4, 0, Double.NaN);
      weights.set(4, 1e-30);
      Batch batch = new Batch(new DenseRows(x, y, weights, null));
      ExactSolution exact =
          ExactSolution.solve(backend, batch, 10, true, new ExactSolution.Ridge(0, false));
      assertEquals(2, exact.coefficients()[0][0], 1e-13);
      assertEquals(1, exact.intercept()[0], 1e-12);
    }
  }

  private static void checkGradient(DenseRows rows, ExactSolution exact, int target, double l2) {
    int d = (int) rows.features();
    double[] gradient = new double[d + 1];
    double squares = 0;
    double total = 0;
    for (long i = 0; i < rows.count(); i++) {
      double weight = rows.weights() == null ? 1 : rows.weights().get(i);
      double offset = rows.offset() == null ? 0 : rows.offset().get(i);
      double residual = rows.y().get(i, target) - offset - exact.intercept()[target];
      for (int c = 0; c < d; c++) {
        residual -= rows.x().get(i, c) * exact.coefficients()[target][c];
      }
      for (int c = 0; c < d; c++) {
        gradient[c] -= 2 * weight * residual * rows.x().get(i, c);
      }
      gradient[d] -= 2 * weight * residual;
      squares += weight * residual * residual;
      total += weight;
    }
    double loss = squares / total;
    assertEquals(loss, exact.meanSquaredError()[target], 1e-12 * loss);
    for (int c = 0; c <= d; c++) {
      double penalty = c < d ? 2 * l2 * exact.coefficients()[target][c] : 0;
      // The gradient at zero is some 2,000 times this.
      double bound = 1e-10 * (c + 1) * (c + 1);
      assertEquals(gradient[c] / total + penalty, exact.diagnosis().gradient()[target][c], bound);
    }
  }
}
