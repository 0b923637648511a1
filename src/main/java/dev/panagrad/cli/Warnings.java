package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.train.TrainingResult;

/** What is suspicious about data or result but does not prevent training; on standard error. */
final class Warnings {
  private Warnings() {}

  static void print(Dataset data) {
    if (data.rows() < data.features().size()) {
      warn(
          "fewer rows (%,d) than features (%,d): many coefficients give the same loss; consider --l2"
              .formatted(data.rows(), data.features().size()));
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
