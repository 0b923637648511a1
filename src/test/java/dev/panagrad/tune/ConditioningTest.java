package dev.panagrad.tune;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.Datasets;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Condition numbers that are known, and columns that stand out. */
@Tag("first")
class ConditioningTest {
  private static Conditioning of(double[][] x) {
    try (Backend backend = Backends.openHost(BackendOptions.defaults());
        TensorArena arena = TensorArena.open("rows")) {
      double[][] y = new double[x.length][1];
      Dataset data = Datasets.of(arena, DType.F64, x, y);
      Conditioning conditioning = Conditioning.of(data, backend);
      for (int i = 0; i < x.length; i++) {
        assertEquals(x[i][0], data.x().get(i, 0), "the data are as they were");
      }
      return conditioning;
    }
  }

  private static String words(Conditioning conditioning) {
    return String.join("\n", conditioning.words());
  }

  /** Columns +-1 and +-1000, orthogonal to each other and to the ones of the intercept. */
  @Test
  void scales() {
    double[][] x = {{1, 1000}, {1, -1000}, {-1, 1000}, {-1, -1000}};
    Conditioning found = of(x);
    assertEquals(1e6, found.raw(), 1e-3);
    assertEquals(1, found.standardized(), 1e-12);
    assertEquals(1000, found.scaleRange(), 1e-9);
    assertEquals(List.of("x1", "x2"), List.of(found.smallest(), found.largest()));
    assertTrue(words(found).contains("1.00e+06 in raw units and 1.00 standardized; keep it on"));
    assertEquals(List.of(), found.constant());
    assertEquals(List.of(), found.repeats());
  }

  /** [1, rho; rho, 1] has eigenvalues 1 + rho and 1 - rho. */
  @Test
  void correlation() {
    double rho = 0.6;
    double[][] x = {{1, rho + 0.8}, {1, rho - 0.8}, {-1, -rho + 0.8}, {-1, -rho - 0.8}};
    Conditioning found = of(x);
    assertEquals(4, found.standardized(), 1e-9);
    assertTrue(words(found).contains("it helps little"), words(found));
  }

  @Test
  void constantsAndRepeats() {
    double[][] x = new double[50][];
    for (int i = 0; i < x.length; i++) {
      double a = Math.sin(i);
      double b = Math.cos(3 * i);
      x[i] = new double[] {a, 7, -2 * a + 1e-3 * Math.sin(7 * i) + 3, b, 0};
    }
    Conditioning found = of(x);
    assertEquals(List.of("x2", "x5"), found.constant());
    assertEquals(1, found.repeats().size());
    Conditioning.Repeat repeat = found.repeats().getFirst();
    assertEquals("x1", repeat.first());
    assertEquals("x3", repeat.second());
    assertTrue(repeat.correlation() < -0.999 && repeat.correlation() > -1);
    assertTrue(Double.isFinite(found.standardized()), "constants are left out");
    assertTrue(found.standardized() > 1e6, "" + found.standardized());
    assertContains(words(found), "['x2', 'x5']", "'x3' nearly repeats 'x1'", "ill-conditioned");
  }

  @Test
  void exactRepeatIsSingular() {
    Conditioning found = of(new double[][] {{1, 2}, {2, 4}, {3, 6}, {5, 10}});
    assertEquals(Double.POSITIVE_INFINITY, found.standardized());
    assertEquals(1, found.repeats().getFirst().correlation(), 1e-12);
    assertContains(words(found), "beyond rounding");
  }

  @Test
  void nothingVaries() {
    Conditioning found = of(new double[][] {{1, 2}, {1, 2}, {1, 2}});
    assertTrue(Double.isNaN(found.standardized()));
    assertContains(words(found), "no feature varies", "['x1', 'x2']");
  }

  /** More features than are looked at. */
  @Test
  void manyFeatures() {
    Conditioning found = of(Datasets.normal(1, 20, 513));
    assertTrue(Double.isNaN(found.raw()) && Double.isNaN(found.standardized()));
    assertContains(words(found), "not computed for this many features");
    assertTrue(found.scaleRange() > 1);
  }

  private static void assertContains(String text, String... parts) {
    for (String part : parts) {
      assertTrue(text.contains(part), () -> "no '" + part + "' in: " + text);
    }
  }
}
