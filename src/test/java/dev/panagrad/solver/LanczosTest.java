package dev.panagrad.solver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class LanczosTest {
  /** Reflected along a random direction, so that no axis is an eigenvector. */
  private static LinearOperator withEigenvalues(double... eigenvalues) {
    SplittableRandom random = new SplittableRandom(3);
    double[] u = new double[eigenvalues.length];
    double squares = 0;
    for (int i = 0; i < u.length; i++) {
      u[i] = random.nextGaussian();
      squares += u[i] * u[i];
    }
    double scale = 2 / squares;
    return (v, out) -> {
      double[] reflected = reflected(u, scale, v);
      for (int i = 0; i < u.length; i++) {
        reflected[i] *= eigenvalues[i];
      }
      System.arraycopy(reflected(u, scale, reflected), 0, out, 0, u.length);
    };
  }

  private static double[] reflected(double[] u, double scale, double[] v) {
    double product = 0;
    for (int i = 0; i < u.length; i++) {
      product += u[i] * v[i];
    }
    double[] out = new double[u.length];
    for (int i = 0; i < u.length; i++) {
      out[i] = v[i] - scale * product * u[i];
    }
    return out;
  }

  @Test
  void allProductsGiveTheEigenvalues() {
    for (double condition : new double[] {1.5, 100, 1e6, 1e10}) {
      for (int d : new int[] {2, 3, 10, 60}) {
        double[] eigenvalues = new double[d];
        for (int i = 0; i < d; i++) {
          eigenvalues[i] = 3 * Math.pow(condition, -(double) i / (d - 1));
        }
        Lanczos.Spectrum found = Lanczos.extremes(withEigenvalues(eigenvalues), d, d, 0);
        assertEquals(3, found.largest(), 1e-13 * 3 * d);
        assertEquals(3 / condition, found.smallest(), 1e-13 * 3 * d, "condition " + condition);
        assertTrue(found.isComplete());
      }
    }
  }

  @Test
  void endsWhenNoDirectionIsLeft() {
    // Two distinct values: the products of any start span a plane.
    Lanczos.Spectrum found = Lanczos.extremes(withEigenvalues(5, 2, 5, 2, 2, 5, 5), 7, 7, 0);
    assertEquals(2, found.products());
    assertTrue(found.isComplete());
    assertEquals(5, found.largest(), 1e-14);
    assertEquals(2, found.smallest(), 1e-14);
    assertEquals(
        new Lanczos.Spectrum(7, 7, 1, true), Lanczos.extremes((v, r) -> r[0] = 7 * v[0], 1, 9, 0));
    Lanczos.Spectrum zero = Lanczos.extremes((v, r) -> {}, 4, 4, 1e-3);
    assertEquals(0, zero.largest(), 0);
    assertTrue(zero.isComplete());
  }

  /** From inside, and within the expected error. */
  @Test
  void fewProductsOfALargeMatrix() {
    int d = 5_000;
    double[] eigenvalues = new double[d];
    for (int i = 0; i < d; i++) {
      eigenvalues[i] = 1 + (double) i / (d - 1);
    }
    Lanczos.Spectrum found = Lanczos.extremes(withEigenvalues(eigenvalues), d, 20, 0);
    assertEquals(20, found.products());
    assertFalse(found.isComplete());
    double bound = 0.103 * Math.pow(Math.log(d * Math.pow(19, 4)) / 19, 2);
    assertTrue(found.largest() <= 2 + 1e-12 && found.largest() > 2 * (1 - bound), found.toString());
    assertTrue(found.smallest() >= 1 - 1e-12 && found.smallest() < 1.1, found.toString());
    Lanczos.Spectrum sooner = Lanczos.extremes(withEigenvalues(eigenvalues), d, 1000, 1e-2);
    assertTrue(sooner.products() < 30, sooner.toString());
    assertEquals(2, sooner.largest(), 0.05);
  }

  @Test
  void refusals() {
    ArithmeticException e =
        assertThrows(
            ArithmeticException.class,
            () -> Lanczos.extremes((v, r) -> r[1] = Double.NaN, 3, 3, 0));
    assertTrue(e.getMessage().contains("not finite"), e.getMessage());
    assertThrows(IllegalArgumentException.class, () -> Lanczos.extremes((v, r) -> {}, 0, 3, 0));
  }
}
