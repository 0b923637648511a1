package dev.panagrad.train.rows;

import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Metrics;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The fit of a model to its training rows, by the measures that are usual for a loss, averaged over
 * targets. Rows are predicted block by block in their order, so that the heap does not grow with
 * them.
 *
 * @param values by name; NaN where a measure is undefined or failed
 * @param notes why a measure failed, by its name
 */
public record FitMetrics(Map<String, Double> values, Map<String, String> notes) {
  private static final int BLOCK_ROWS = 4096;
  private static final long MAX_BYTES = 1L << 30; // for AUC: 134 million unweighted predictions

  /** Measures, by the caller's weights; what fails is noted, since the model is finished. */
  static FitMetrics of(
      LossPlan loss, LinearRegression regression, Dataset data, TrainingRows rows) {
    int k = data.targets().size();
    FitMetrics fit = new FitMetrics(new LinkedHashMap<>(), new LinkedHashMap<>());
    List<Metrics> metrics = new ArrayList<>();
    try {
      double largest = largestWeight(loss, rows);
      for (int j = 0; j < k; j++) {
        metrics.add(new Metrics(rows.trained(), MAX_BYTES / k, largest));
        loss.loss().describeFit(metrics.getLast());
      }
      add(loss, regression, data, rows, metrics);
      for (Metrics ofTarget : metrics) {
        ofTarget.values().forEach((name, x) -> fit.values.merge(name, x / k, Double::sum));
        ofTarget.notes().forEach(fit.notes::putIfAbsent);
      }
    } catch (RuntimeException | Error e) {
      // Predictions, or a caller's loss that does not even name its measures.
      fit.notes.put("metrics", e.toString());
      metrics.forEach(m -> m.values().keySet().forEach(name -> fit.notes.put(name, e.toString())));
    } finally {
      metrics.forEach(Metrics::close);
    }
    fit.notes.keySet().forEach(name -> fit.values.put(name, Double.NaN));
    return fit;
  }

  private static double largestWeight(LossPlan loss, TrainingRows rows) {
    if (loss.weights() == null) {
      return 1;
    }
    double[] largest = new double[1];
    rows.visitTrained(row -> largest[0] = Math.max(largest[0], loss.weights().get(row)));
    return largest[0];
  }

  private static void add(
      LossPlan loss,
      LinearRegression regression,
      Dataset data,
      TrainingRows rows,
      List<Metrics> metrics) {
    Standardization units = rows.standardization();
    double[] z = new double[BLOCK_ROWS];
    double[] y = new double[BLOCK_ROWS];
    double[] s = new double[BLOCK_ROWS];
    try (TensorArena arena = TensorArena.open("predictions");
        Arena marks = Arena.ofConfined()) {
      MemorySegment trained = trained(rows, marks);
      Tensor block =
          arena.allocate("predictions", data.x().dtype(), BLOCK_ROWS, data.targets().size());
      for (long first = 0; first < data.rows(); first += BLOCK_ROWS) {
        long end = Math.min(first + BLOCK_ROWS, data.rows());
        regression.predict(data.x(), first, end - first, block.rows(0, end - first));
        for (int j = 0; j < metrics.size(); j++) {
          int count = 0;
          for (long row = first; row < end; row++) {
            double weight = loss.weights() == null ? 1 : loss.weights().get(row);
            if (weight > 0 && (trained == null || trained.get(ValueLayout.JAVA_BYTE, row) != 0)) {
              double offset = loss.offset() == null ? 0 : loss.offset().get(row);
              z[count] = units.rawTarget(block.get(row - first, j), j) + offset;
              y[count] = units.rawTarget(data.y().get(row, j), j);
              s[count++] = weight;
            }
          }
          metrics.get(j).add(z, y, s, count);
        }
      }
    }
  }

  /** A byte a row, which is 1 for a training row; null if all are. */
  private static MemorySegment trained(TrainingRows rows, Arena arena) {
    if (rows.heldOut() == 0) {
      return null;
    }
    MemorySegment trained = arena.allocate(rows.data().rows());
    rows.visitTrained(row -> trained.set(ValueLayout.JAVA_BYTE, row, (byte) 1));
    return trained;
  }
}
