package dev.panagrad.train;

import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Huber;
import dev.panagrad.loss.Logistic;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Poisson;
import dev.panagrad.loss.Quantile;
import dev.panagrad.loss.Squared;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How well predictions fit, by the measures that are usual for a loss. All are weighted means over
 * rows, averaged over targets.
 */
final class FitMetrics {
  private static final long CHUNK_ROWS = 4096;

  private final Loss loss;
  private final Tensor weights;
  private final Tensor offset;

  FitMetrics(Loss loss, Tensor weights, Tensor offset) {
    this.loss = loss;
    this.weights = weights;
    this.offset = offset;
  }

  /** Predicts the training rows. */
  Map<String, Double> of(LinearRegression regression, Dataset data, TrainingRows rows) {
    int n = Math.toIntExact(rows.trained());
    int k = data.targets().size();
    Map<String, Double> means = new LinkedHashMap<>();
    try (TensorArena arena = TensorArena.open("predictions")) {
      Tensor z = arena.allocate("predictions", data.x().dtype(), data.rows(), k);
      for (long first = 0; first < data.rows(); first += CHUNK_ROWS) {
        long count = Math.min(CHUNK_ROWS, data.rows() - first);
        regression.predict(data.x(), first, count, z.rows(first, count));
      }
      double[] prediction = new double[n];
      double[] target = new double[n];
      double[] weight = new double[n];
      for (int j = 0; j < k; j++) {
        int output = j;
        int[] at = new int[1];
        rows.visitTrained(
            row -> {
              prediction[at[0]] = z.get(row, output) + (offset == null ? 0 : offset.get(row));
              target[at[0]] = data.y().get(row, output);
              weight[at[0]] = weights == null ? 1 : weights.get(row);
              at[0]++;
            });
        of(prediction, target, weight).forEach((name, x) -> means.merge(name, x / k, Double::sum));
      }
    }
    return means;
  }

  /** Of one target. */
  Map<String, Double> of(double[] z, double[] y, double[] s) {
    Map<String, Double> metrics = new LinkedHashMap<>();
    switch (loss) {
      case Logistic l -> {
        metrics.put("accuracy", mean(s, i -> (z[i] >= 0) == (y[i] == 1) ? 1 : 0));
        metrics.put("log loss", meanLoss(z, y, s));
        metrics.put("AUC", areaUnderCurve(z, y, s));
      }
      case Poisson p -> {
        double typical = mean(s, i -> y[i]);
        double deviance = mean(s, i -> deviance(y[i], Math.exp(z[i])));
        metrics.put("deviance", deviance);
        metrics.put("D2", 1 - deviance / mean(s, i -> deviance(y[i], typical)));
      }
      case Quantile q -> {
        metrics.put("pinball loss", meanLoss(z, y, s));
        metrics.put("share below", mean(s, i -> y[i] < z[i] ? 1 : 0));
      }
      case Huber h -> {
        metrics.put("MAE", mean(s, i -> Math.abs(z[i] - y[i])));
        squares(metrics, z, y, s);
      }
      case Squared q -> squares(metrics, z, y, s);
      default -> metrics.put("loss", meanLoss(z, y, s));
    }
    return metrics;
  }

  private static void squares(Map<String, Double> into, double[] z, double[] y, double[] s) {
    double typical = mean(s, i -> y[i]);
    double squares = mean(s, i -> (z[i] - y[i]) * (z[i] - y[i]));
    double variance = mean(s, i -> (y[i] - typical) * (y[i] - typical));
    into.put("R2", variance == 0 ? Double.NaN : 1 - squares / variance);
    into.put("RMSE", Math.sqrt(squares));
  }

  /** {@code 2 (y log(y / mean) - (y - mean))}; the first term is 0 where y is. */
  private static double deviance(double y, double mean) {
    return 2 * ((y == 0 ? 0 : y * Math.log(y / mean)) - (y - mean));
  }

  private double meanLoss(double[] z, double[] y, double[] s) {
    double sum = loss.differentiate(z.clone(), y, s, z.length);
    return sum / Arrays.stream(s).sum();
  }

  private interface OfRow {
    double value(int row);
  }

  private static double mean(double[] s, OfRow values) {
    double sum = 0;
    double all = 0;
    for (int i = 0; i < s.length; i++) {
      sum += s[i] == 0 ? 0 : s[i] * values.value(i);
      all += s[i];
    }
    return sum / all;
  }

  /**
   * The probability that a row of class 1 has a larger prediction than one of class 0, equal ones
   * counting half (Hanley and McNeil 1982); NaN if there is one class.
   */
  private static double areaUnderCurve(double[] z, double[] y, double[] s) {
    Integer[] order = new Integer[z.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, (a, b) -> Double.compare(z[a], z[b]));
    double below = 0;
    double pairs = 0;
    double ones = 0;
    for (int from = 0, to; from < order.length; from = to) {
      double zerosHere = 0;
      double onesHere = 0;
      for (to = from; to < order.length && z[order[to]] == z[order[from]]; to++) {
        int i = order[to];
        zerosHere += y[i] == 0 ? s[i] : 0;
        onesHere += y[i] == 0 ? 0 : s[i];
      }
      pairs += onesHere * (below + zerosHere / 2);
      below += zerosHere;
      ones += onesHere;
    }
    return pairs / (below * ones);
  }
}
