package dev.panagrad.regression;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.conformance.TestBackends;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Correct digits of the worst coefficient on the linear sets of NIST's Statistical Reference
 * Datasets (resources nist, works of the United States government), against the exact solution of
 * the table as it is read in F64, computed here in 150 digits. That one agrees with the certified
 * values as far as the columns of powers, rounded once, allow.
 */
class CertifiedTest {
  private static final MathContext DIGITS = new MathContext(150);

  @SuppressWarnings("ArrayRecordComponent") // read, not compared
  private record Table(double[][] x, double[] y, boolean hasIntercept, double[] certified) {
    static Table read(String name, int degree) throws IOException {
      List<double[]> rows = new ArrayList<>();
      List<Double> certified = new ArrayList<>();
      try (BufferedReader in =
          new BufferedReader(
              new InputStreamReader(
                  Objects.requireNonNull(
                      CertifiedTest.class.getResourceAsStream("/nist/" + name + ".dat")),
                  StandardCharsets.US_ASCII))) {
        int number = 0;
        for (String line = in.readLine(); line != null; line = in.readLine()) {
          String[] words = line.strip().split("\\s+", -1);
          number++;
          if (number < 60 && words[0].matches("B\\d+")) {
            certified.add(Double.parseDouble(words[1]));
          } else if (number > 60 && !words[0].isEmpty()) {
            rows.add(List.of(words).stream().mapToDouble(Double::parseDouble).toArray());
          }
        }
      }
      double[][] x = new double[rows.size()][];
      double[] y = new double[x.length];
      for (int i = 0; i < x.length; i++) {
        double[] row = rows.get(i);
        y[i] = row[0];
        x[i] = new double[degree == 1 ? row.length - 1 : degree];
        for (int c = 0; c < x[i].length; c++) {
          x[i][c] = degree == 1 ? row[1 + c] : new BigDecimal(row[1]).pow(c + 1).doubleValue();
        }
      }
      boolean hasIntercept = certified.size() == x[0].length + 1;
      return new Table(
          x, y, hasIntercept, certified.stream().mapToDouble(Double::doubleValue).toArray());
    }

    /** Gaussian elimination of the normal equations; intercept first. */
    double[] exact() {
      int first = hasIntercept ? 1 : 0;
      int m = x[0].length + first;
      BigDecimal[][] a = new BigDecimal[m][m + 1];
      for (int i = 0; i < m; i++) {
        for (int j = 0; j <= m; j++) {
          BigDecimal sum = BigDecimal.ZERO;
          for (int row = 0; row < y.length; row++) {
            BigDecimal right = j == m ? new BigDecimal(y[row]) : cell(row, j - first);
            sum = sum.add(cell(row, i - first).multiply(right, DIGITS), DIGITS);
          }
          a[i][j] = sum;
        }
      }
      for (int s = 0; s < m; s++) {
        for (int i = s + 1; i < m; i++) {
          BigDecimal share = a[i][s].divide(a[s][s], DIGITS);
          for (int j = s; j <= m; j++) {
            a[i][j] = a[i][j].subtract(share.multiply(a[s][j], DIGITS), DIGITS);
          }
        }
      }
      BigDecimal[] w = new BigDecimal[m];
      double[] rounded = new double[m];
      for (int i = m - 1; i >= 0; i--) {
        w[i] = a[i][m];
        for (int j = i + 1; j < m; j++) {
          w[i] = w[i].subtract(a[i][j].multiply(w[j], DIGITS), DIGITS);
        }
        w[i] = w[i].divide(a[i][i], DIGITS);
        rounded[i] = w[i].doubleValue();
      }
      return rounded;
    }

    private BigDecimal cell(int row, int column) {
      return column < 0 ? BigDecimal.ONE : new BigDecimal(x[row][column]);
    }

    double meanSquare(double[] w) {
      BigDecimal sum = BigDecimal.ZERO;
      int first = hasIntercept ? 1 : 0;
      for (int i = 0; i < y.length; i++) {
        BigDecimal r = new BigDecimal(y[i]);
        for (int c = -first; c < x[0].length; c++) {
          r = r.subtract(cell(i, c).multiply(new BigDecimal(w[c + first]), DIGITS), DIGITS);
        }
        sum = sum.add(r.multiply(r, DIGITS), DIGITS);
      }
      return sum.doubleValue() / y.length;
    }
  }

  private static double digits(double[] expected, double[] found) {
    double least = 16;
    for (int i = 0; i < expected.length; i++) {
      double error = Math.abs(found[i] - expected[i]) / Math.abs(expected[i]);
      least = Math.min(least, -Math.log10(Math.max(error, 1e-16)));
    }
    return least;
  }

  @ParameterizedTest
  @CsvSource({
    "Norris, 1, 12, 12", "Pontius, 2, 12, 12", "NoInt1, 1, 12, 12", "NoInt2, 1, 12, 12",
    "Longley, 1, 11.5, 11.5", "Filip, 10, 7, 6.5", "Wampler1, 5, 8, 8", "Wampler2, 5, 9, 9",
    "Wampler3, 5, 8, 8", "Wampler4, 5, 7, 7", "Wampler5, 5, 5, 5"
  })
  void correctDigits(String name, int degree, double needed, double ofCertified)
      throws IOException {
    Table table = Table.read(name, degree);
    double[] expected = table.exact();
    int d = table.x[0].length;
    List<Backend> backends = TestBackends.open(1);
    for (Backend backend : backends) {
      try (TensorArena arena = TensorArena.open("certified")) {
        Tensor x = arena.allocate("x", DType.F64, table.y.length, d);
        Tensor y = arena.allocate("y", DType.F64, table.y.length);
        for (int i = 0; i < table.y.length; i++) {
          y.set(i, table.y[i]);
          for (int c = 0; c < d; c++) {
            x.set(i, c, table.x[i][c]);
          }
        }
        ExactSolution exact =
            ExactSolution.solve(backend, x, y, null, x.rows(), table.hasIntercept, 0);
        double[] found = new double[expected.length];
        if (table.hasIntercept) {
          found[0] = exact.intercept()[0];
        }
        System.arraycopy(exact.coefficients()[0], 0, found, found.length - d, d);
        String what = "%s on %s, condition %.3g".formatted(name, backend, exact.condition());
        double correct = digits(expected, found);
        assertTrue(correct >= needed, what + ": " + correct + " digits");
        double certified = digits(table.certified, found);
        assertTrue(certified >= ofCertified, what + ": " + certified + " certified digits");
        assertEquals(d, exact.rank(), what);
        double least = table.meanSquare(expected);
        double loss = exact.meanSquaredError()[0];
        // A residual is wrong by u times the terms of its prediction, which are at most as large
        // as the target times the condition number; d + 2 roundings of each, its square twice.
        double variance = exact.targetVariance()[0];
        double terms = Math.ulp(1.0) * (d + 2) * (1 + exact.condition());
        double rounding = least == 0 ? 0 : terms * Math.sqrt(variance / least);
        double floor = terms * terms * variance;
        double gap = exact.diagnosis().gap()[0];
        assertTrue(
            loss <= least + gap, what + ": " + (loss - least) + " above, and at most " + gap);
        double reached = table.meanSquare(found) - least;
        assertTrue(reached <= gap, what + ": reached " + reached + ", and at most " + gap);
        assertTrue(loss >= least * (1 - rounding) - floor, what + ": " + loss + " below " + least);
        assertEquals(table.meanSquare(found), loss, rounding * least + floor, what);
      }
    }
    TestBackends.close(backends);
  }
}
