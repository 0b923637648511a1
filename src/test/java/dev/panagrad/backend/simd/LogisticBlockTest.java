package dev.panagrad.backend.simd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Against the definition in 60 digits. */
@Tag("simd")
@Tag("conformance")
class LogisticBlockTest {
  private static final MathContext DIGITS = new MathContext(60);
  private static final BigDecimal ONE = BigDecimal.ONE;
  // Half a unit in the last place of 1.
  private static final double HALF_ULP = 0x1p-53;
  private static final double[] EDGES = {
    0.0,
    -0.0,
    Double.MIN_VALUE,
    1e-300,
    1e-17,
    1e-8,
    0.5,
    Math.log(2) / 2,
    1,
    36,
    37,
    100,
    700,
    707.9,
    708,
    708.1,
    745,
    746,
    1e6,
    1e300
  };

  @Test
  void nearWhatIsExact() {
    Random random = new Random(1);
    for (int round = 0; round < 40; round++) {
      double[] z = new double[RowBlock.MAX_ROWS];
      double[] y = new double[RowBlock.MAX_ROWS];
      double[] s = new double[RowBlock.MAX_ROWS];
      for (int i = 0; i < z.length; i++) {
        double edge = EDGES[random.nextInt(EDGES.length)];
        double size = random.nextBoolean() ? edge : Math.exp(12 * random.nextDouble() - 6);
        z[i] = random.nextBoolean() ? size : -size;
        y[i] = random.nextInt(2);
        s[i] = random.nextInt(4) / 2.0;
      }
      check(z, y, s);
    }
  }

  private static void check(double[] z, double[] y, double[] s) {
    try (Arena arena = Arena.ofConfined()) {
      LogisticBlock block = new LogisticBlock(arena);
      for (int i = 0; i < z.length; i += LanesF64.COUNT) {
        // One row at a time, in each lane of a vector in turn, beside zeros.
        double[] zs = new double[RowBlock.MAX_ROWS];
        double[] ys = new double[RowBlock.MAX_ROWS];
        double[] ss = new double[RowBlock.MAX_ROWS];
        int at = i / LanesF64.COUNT % LanesF64.COUNT;
        zs[at] = z[i];
        ys[at] = y[i];
        ss[at] = s[i];
        double loss = block.differentiate(zs, ys, ss, LanesF64.COUNT);
        BigDecimal e = exp(-Math.abs(z[i]));
        BigDecimal p = (z[i] >= 0 ? ONE : e).divide(ONE.add(e), DIGITS);
        double derivative =
            p.subtract(new BigDecimal(y[i])).multiply(new BigDecimal(s[i])).doubleValue();
        // Three units of p, one rounding each of the difference and the product.
        double bound = (6 * p.doubleValue() + 2) * HALF_ULP * s[i];
        assertEquals(derivative, zs[at], bound, "derivative at " + z[i]);
        BigDecimal larger = new BigDecimal(Math.max(z[i], 0));
        BigDecimal yz = new BigDecimal(y[i]).multiply(new BigDecimal(z[i]));
        BigDecimal log = log1p(e);
        double exact = larger.subtract(yz).add(log).multiply(new BigDecimal(s[i])).doubleValue();
        // Five units of the logarithm, and a rounding of the sum and of the product each.
        double size = 10 * log.doubleValue() + 2 * Math.abs(exact);
        assertEquals(exact, loss, size * HALF_ULP * Math.max(s[i], 1) + 0x1p-1020);
      }
    }
  }

  @Test
  void notNumbersStay() {
    try (Arena arena = Arena.ofConfined()) {
      double[] z = new double[RowBlock.MAX_ROWS];
      double[] ones = new double[RowBlock.MAX_ROWS];
      z[1] = Double.NaN;
      ones[1] = 1;
      double loss = new LogisticBlock(arena).differentiate(z, ones, ones, 4);
      assertTrue(Double.isNaN(loss) && Double.isNaN(z[1]));
      assertEquals(0, z[0]);
    }
  }

  /** By halving until the series is short. */
  private static BigDecimal exp(double x) {
    if (x < -2000) {
      return BigDecimal.ZERO;
    }
    BigDecimal small = new BigDecimal(x).divide(new BigDecimal(4096), DIGITS);
    BigDecimal term = ONE;
    BigDecimal sum = ONE;
    for (int n = 1; n < 40; n++) {
      term = term.multiply(small, DIGITS).divide(new BigDecimal(n), DIGITS);
      sum = sum.add(term, DIGITS);
    }
    return sum.pow(4096, DIGITS);
  }

  private static BigDecimal log1p(BigDecimal e) {
    BigDecimal q = e.divide(e.add(ONE).add(ONE), DIGITS);
    BigDecimal square = q.multiply(q, DIGITS);
    BigDecimal power = q.add(q);
    BigDecimal sum = BigDecimal.ZERO;
    for (int n = 1; n < 130; n += 2) {
      sum = sum.add(power.divide(new BigDecimal(n), DIGITS), DIGITS);
      power = power.multiply(square, DIGITS);
    }
    return sum;
  }
}
