package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.TrainingResult;
import java.util.List;
import java.util.Locale;

/** What is suspicious about data or result but does not prevent training; on standard error. */
final class Warnings {
  /** Steps of the element type, as a part of a column's range: four digits are left. */
  private static final double FINE_ENOUGH = 2e-4;

  private Warnings() {}

  static void print(Dataset data) {
    if (data.rows() < data.features().size()) {
      warn(
          "fewer rows (%,d) than features (%,d): many coefficients give the same loss; consider --l2"
              .formatted(data.rows(), data.features().size()));
    }
    if (data.x().dtype() == DType.F32) {
      precision(data.x(), data.features());
      precision(data.y(), data.targets());
    }
  }

  /** Timestamps and identifiers vary by less than F32 can tell apart. */
  private static void precision(Tensor t, List<String> names) {
    for (int c = 0; c < names.size(); c++) {
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (long i = 0; i < t.rows(); i++) {
        low = Math.min(low, (float) t.get(i, c));
        high = Math.max(high, (float) t.get(i, c));
      }
      float spacing = Math.ulp(Math.max(Math.abs(low), Math.abs(high)));
      if (spacing > FINE_ENOUGH * (high - low) && spacing > (low == high ? 1 : 0)) {
        warn(
            String.format(
                Locale.ROOT,
                "column '%s' is between %.9g and %.9g, where f32 has steps of %.3g; consider --dtype f64",
                names.get(c),
                low,
                high,
                spacing));
      }
    }
  }

  static void print(TrainingResult result) {
    if (!result.constantFeatures().isEmpty()) {
      warn(
          "constant columns carry no information and get coefficient 0: "
              + String.join(", ", result.constantFeatures()));
    }
    if (Double.isNaN(result.r2())) {
      warn("a target is constant: R2 is undefined");
    }
  }

  private static void warn(String message) {
    System.err.println("panagrad: warning: " + message);
  }
}
