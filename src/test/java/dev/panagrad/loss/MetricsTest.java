package dev.panagrad.loss;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Measures by blocks against their definitions over all rows. */
class MetricsTest {
  private static final long PLENTY = 1 << 20;

  private final double[] z;
  private final double[] y;
  private final double[] s;

  MetricsTest() {
    SplittableRandom random = new SplittableRandom(5);
    z = random.doubles(3_000, -2, 2).map(x -> Math.rint(50 * x) / 50).toArray();
    y = random.doubles(3_000).map(x -> x < 0.3 ? 1 : 0).toArray();
    s = random.doubles(3_000, 0.1, 3).toArray();
  }

  private static Metrics measured(
      Loss loss, double[] z, double[] y, double[] s, int block, long bytes) {
    Metrics metrics = new Metrics(z.length, bytes);
    loss.describeFit(metrics);
    for (int first = 0; first < z.length; first += block) {
      int end = Math.min(first + block, z.length);
      double[] part = Arrays.copyOfRange(z, first, end);
      metrics.add(
          part, Arrays.copyOfRange(y, first, end), Arrays.copyOfRange(s, first, end), part.length);
      assertTrue(Arrays.equals(part, 0, part.length, z, first, end), "predictions were changed");
    }
    return metrics;
  }

  private static Map<String, Double> values(
      Loss loss, double[] z, double[] y, double[] s, int block) {
    try (Metrics metrics = measured(loss, z, y, s, block, PLENTY)) {
      assertEquals(Map.of(), metrics.notes());
      return metrics.values();
    }
  }

  /** By its definition: over all pairs of a row of each class. */
  private static double auc(double[] z, double[] y, double[] s) {
    double pairs = 0;
    double all = 0;
    for (int one = 0; one < z.length; one++) {
      for (int zero = 0; zero < z.length; zero++) {
        if (y[one] == 1 && y[zero] == 0) {
          double weight = s[one] * s[zero];
          pairs += z[one] > z[zero] ? weight : z[one] == z[zero] ? weight / 2 : 0;
          all += weight;
        }
      }
    }
    return pairs / all;
  }

  @ParameterizedTest
  @CsvSource({"1", "7", "2999", "3000"})
  void areaUnderCurve(int block) {
    assertEquals(auc(z, y, s), values(new Logistic(), z, y, s, block).get("AUC"), 1e-12);
    Arrays.fill(s, 1);
    assertEquals(auc(z, y, s), values(new Logistic(), z, y, s, block).get("AUC"), 1e-12);
    // Weights that come late.
    s[2_500] = 40;
    assertEquals(auc(z, y, s), values(new Logistic(), z, y, s, block).get("AUC"), 1e-12);
  }

  /** Sums and products of such weights are 0 or infinite; those of one class may be far smaller. */
  @Test
  void weightsOfAnySize() {
    for (double[] factors :
        new double[][] {{1e-300, 1e-300}, {1e300, 1e300}, {1e-300, 1e300}, {1e300, 1e-300}}) {
      double[] scaled = new double[s.length];
      double largest = 0;
      for (int i = 0; i < s.length; i++) {
        scaled[i] = s[i] * factors[(int) y[i]];
        largest = Math.max(largest, scaled[i]);
      }
      try (Metrics metrics = new Metrics(z.length, PLENTY, largest)) {
        new Logistic().describeFit(metrics);
        new Squared().describeFit(metrics);
        metrics.add(z, y, scaled, z.length);
        Map<String, Double> found = metrics.values();
        assertEquals(auc(z, y, s), found.get("AUC"), 1e-12);
        if (factors[0] == factors[1]) {
          Map<String, Double> expected = values(new Logistic(), z, y, s, 100);
          assertEquals(expected.get("accuracy"), found.get("accuracy"), 1e-12);
          assertEquals(expected.get("log loss"), found.get("log loss"), 1e-12);
          double r2 = values(new Squared(), z, y, s, 100).get("R2");
          assertEquals(r2, found.get("R2"), 1e-12 * Math.abs(r2));
        } else {
          assertEquals(1, found.get("accuracy") + inaccurate(factors[1] > 1 ? 1 : 0), 1e-12);
        }
      }
    }
  }

  /** The part of one class, by its weights alone, that is on the wrong side. */
  private double inaccurate(int ofClass) {
    double wrong = 0;
    double all = 0;
    for (int i = 0; i < z.length; i++) {
      if (y[i] == ofClass) {
        all += s[i];
        wrong += (z[i] >= 0) == (y[i] == 1) ? 0 : s[i];
      }
    }
    return wrong / all;
  }

  @Test
  void areaUnderCurveOfAnyDouble() {
    double[] few = {
      0.0, -0.0, Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY, Double.MIN_VALUE, -1e300, 1e300
    };
    for (int classes = 1; classes < (1 << few.length) - 1; classes++) {
      double[] target = new double[few.length];
      for (int i = 0; i < few.length; i++) {
        target[i] = classes >> i & 1;
      }
      double[] weight = {1, 2, 3, 4, 5, 6, 7};
      try (Metrics metrics = new Metrics(few.length, PLENTY).areaUnderCurve("AUC")) {
        metrics.add(few, target, weight, few.length);
        assertEquals(auc(few, target, weight), metrics.values().get("AUC"), 1e-15);
      }
    }
  }

  @Test
  void areaUnderCurveOfOneClass() {
    double[] ones = new double[z.length];
    Arrays.fill(ones, 1);
    assertEquals(Double.NaN, values(new Logistic(), z, ones, s, 100).get("AUC"));
    assertEquals(Double.NaN, values(new Logistic(), z, new double[z.length], s, 100).get("AUC"));
  }

  @ParameterizedTest
  @CsvSource({"1", "64", "3000"})
  void explained(int block) {
    for (Loss loss : List.of(new Squared(), new Poisson())) {
      // Far from 0, where sums of squares would cancel; a deviance of counts itself does there.
      double offset = loss.hasLink() ? 10 : 1e6;
      double[] far = Arrays.stream(y).map(x -> offset + x).toArray();
      double[] near = Arrays.stream(far).map(x -> loss.hasLink() ? Math.log(x) : x + 0.1).toArray();
      double weight = 0;
      double mean = 0;
      for (int i = 0; i < s.length; i++) {
        weight += s[i];
        mean += s[i] * y[i];
      }
      mean = offset + mean / weight;
      double unexplained = 0;
      double total = 0;
      for (int i = 0; i < s.length; i++) {
        unexplained += s[i] * deviance(loss, far[i], loss.mean(near[i]));
        total += s[i] * deviance(loss, far[i], mean);
      }
      Map<String, Double> found = values(loss, near, far, s, block);
      assertEquals(
          1 - unexplained / total, found.get(loss.hasLink() ? "D2" : "R2"), 1e-10, loss.name());
    }
  }

  private static double deviance(Loss loss, double y, double mean) {
    return loss.hasLink() ? 2 * (y * Math.log(y / mean) - (y - mean)) : (y - mean) * (y - mean);
  }

  @Test
  void constantTargets() {
    double[] constant = new double[z.length];
    Arrays.fill(constant, 0.1);
    assertEquals(Double.NaN, values(new Squared(), z, constant, s, 7).get("R2"));
    assertEquals(Double.NaN, values(new Huber(1), z, constant, s, 7).get("R2"));
  }

  @Test
  void means() {
    double weight = Arrays.stream(s).sum();
    double accurate = 0;
    double absolute = 0;
    double below = 0;
    for (int i = 0; i < z.length; i++) {
      accurate += (z[i] >= 0) == (y[i] == 1) ? s[i] : 0;
      absolute += s[i] * Math.abs(z[i] - y[i]);
      below += y[i] < z[i] ? s[i] : 0;
    }
    Map<String, Double> logistic = values(new Logistic(), z, y, s, 100);
    assertEquals(accurate / weight, logistic.get("accuracy"), 1e-12);
    assertEquals(
        new Logistic().differentiate(z.clone(), y, s, z.length) / weight,
        logistic.get("log loss"),
        1e-12);
    assertEquals(absolute / weight, values(new Huber(1), z, y, s, 100).get("MAE"), 1e-12);
    assertEquals(below / weight, values(new Quantile(0.5), z, y, s, 100).get("share below"), 1e-12);
  }

  @Test
  void beyondMemory() {
    Arrays.fill(s, 1);
    try (Metrics metrics = measured(new Logistic(), z, y, s, 100, 8L * z.length - 1)) {
      assertEquals(Double.NaN, metrics.values().get("AUC"));
      assertTrue(metrics.values().get("accuracy") > 0);
      assertEquals(List.of("AUC"), List.copyOf(metrics.notes().keySet()));
      assertTrue(metrics.notes().get("AUC").contains("3,000"), metrics.notes()::toString);
    }
    s[2_999] = 2;
    try (Metrics metrics = measured(new Logistic(), z, y, s, 100, 8L * z.length)) {
      assertEquals(Double.NaN, metrics.values().get("AUC"));
      assertTrue(metrics.notes().get("AUC").contains("16 bytes"), metrics.notes()::toString);
    }
  }

  @Test
  void predictionsThatAreNoNumbers() {
    z[17] = Double.NaN;
    try (Metrics metrics = measured(new Logistic(), z, y, s, 100, PLENTY)) {
      assertEquals(Double.NaN, metrics.values().get("AUC"));
      assertTrue(metrics.notes().get("AUC").contains("not a number"), metrics.notes()::toString);
    }
  }
}
