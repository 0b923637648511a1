package dev.panagrad.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ShiftedSystemTest {
  /** X^T X of that many random rows. */
  private static double[][] products(int rows, int d) {
    SplittableRandom random = new SplittableRandom(d);
    double[][] a = new double[d][d];
    for (int i = 0; i < rows; i++) {
      double[] x = random.doubles(d, -1, 1).toArray();
      for (int j = 0; j < d; j++) {
        for (int k = 0; k < d; k++) {
          a[j][k] += x[j] * x[k];
        }
      }
    }
    return a;
  }

  /** Backward error: the residual against the size of matrix and solution. */
  @ParameterizedTest
  @CsvSource({"9, 1", "9, 2", "9, 3", "40, 20", "3, 20", "0, 5", "1, 7", "100, 60"})
  void solves(int rows, int d) {
    double[][] a = products(rows, d);
    double[] b = new SplittableRandom(1).doubles(d, -1, 1).toArray();
    ShiftedSystem system =
        new ShiftedSystem(Arrays.stream(a).map(double[]::clone).toArray(double[][]::new), b);
    double norm = Arrays.stream(a).flatMapToDouble(Arrays::stream).map(Math::abs).sum();
    for (double shift : new double[] {1e3, 1, 1e-3, 1e-8}) {
      double[] x = new double[d];
      system.solve(shift, x);
      double size = Arrays.stream(x).map(Math::abs).max().orElseThrow();
      for (int i = 0; i < d; i++) {
        double product = shift * x[i];
        for (int j = 0; j < d; j++) {
          product += a[i][j] * x[j];
        }
        assertEquals(b[i], product, 1e-15 * d * (norm + shift) * size + 1e-15);
      }
    }
  }

  @Test
  void refuses() {
    assertThrows(
        IllegalArgumentException.class, () -> new ShiftedSystem(new double[2][2], new double[3]));
    ShiftedSystem zero = new ShiftedSystem(new double[2][2], new double[] {1, 2});
    assertThrows(IllegalArgumentException.class, () -> zero.solve(0, new double[2]));
    ShiftedSystem negative =
        new ShiftedSystem(new double[][] {{-1, 0}, {0, 1}}, new double[] {1, 2});
    String message =
        assertThrows(ArithmeticException.class, () -> negative.solve(0.5, new double[2]))
            .getMessage();
    assertTrue(message.contains("not positive definite"), message);
  }
}
