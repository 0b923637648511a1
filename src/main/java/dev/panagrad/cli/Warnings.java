package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.path.PathResult;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.Certificate;
import dev.panagrad.train.StopReason;
import dev.panagrad.train.TrainingFile;
import dev.panagrad.train.TrainingResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What is suspicious about data or result but does not prevent training; on standard error. */
final class Warnings {
  // Steps of the element type, as a part of a column's range: four digits are left.
  private static final double FINE_ENOUGH = 2e-4;

  private static final double NEAR = 1e-6; // part of the objective: coefficients have 3 digits

  private Warnings() {}

  static void print(Dataset data) {
    print(data, null);
  }

  /** Warns of rows with weight above 0; of all if weights are null. */
  static void print(Dataset data, Tensor weights) {
    long rows = RowOrder.used(data.rows(), weights);
    if (rows < data.features().size()) {
      warn(
          "fewer rows (%,d) than features (%,d): many coefficients give the same loss; consider --l2"
              .formatted(rows, data.features().size()));
    }
    if (data.x().dtype() == DType.F32) {
      precision(data.x(), data.features(), weights);
      precision(data.y(), data.targets(), weights);
    }
  }

  /** Timestamps and identifiers vary by less than F32 can tell apart. */
  private static void precision(Tensor t, List<String> names, Tensor weights) {
    for (int c = 0; c < names.size(); c++) {
      float low = Float.POSITIVE_INFINITY;
      float high = Float.NEGATIVE_INFINITY;
      for (long i = 0; i < t.rows(); i++) {
        if (weights != null && weights.get(i) == 0) {
          continue;
        }
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

  /** Warns of rows that were rounded when a file was written. */
  static void print(TrainingFile file) {
    if (file.dataset().x().dtype() != DType.F32) {
      return;
    }
    Standardization units = file.standardization();
    List<String> names = file.dataset().features();
    List<String> coarse = new ArrayList<>();
    for (int f = 0; f < names.size(); f++) {
      // A range is some 3.5 deviations; a constant may have varied by less than a step.
      if (units.f32Step(f) > (units.isConstant(f) ? 1 : 3.5 * FINE_ENOUGH)) {
        coarse.add(names.get(f));
      }
    }
    if (!coarse.isEmpty()) {
      warn("columns vary by few steps of f32: " + Excerpt.of(coarse) + "; consider --dtype f64");
    }
  }

  /** Warns after a training, of which that was asked for. */
  static void print(
      TrainingResult result, boolean isStandardized, TrainingOptions asked, MethodName method) {
    constant(result.constantFeatures());
    if (!result.dependencies().isEmpty()) {
      warn(
          "%s%s; other coefficients give the same loss%s"
              .formatted(
                  result.dependencies().getFirst(),
                  result.dependencies().size() == 1
                      ? ""
                      : ", and %,d more are too".formatted(result.dependencies().size() - 1),
                  method == MethodName.EXACT ? ", and these are the smallest" : ""));
    }
    end(result, isStandardized, asked, method);
    result.metricNotes().forEach((name, why) -> warn("%s is not known: %s".formatted(name, why)));
    // All training rows are on their side of the plane: it can be made as steep as one likes.
    if (result.metrics().getOrDefault("accuracy", 0.0) > 1 - 1e-12) {
      if (Double.isNaN(result.metrics().get("AUC")) && !result.metricNotes().containsKey("AUC")) {
        warn("all training rows are of one class: the intercept grows as long as training goes on");
      } else if (asked.l1 == 0 && asked.l2 == 0) {
        warn(
            "the classes are separable: the loss has no minimum, and coefficients grow as long as training goes on; add --l2");
      }
    }
    if (result.metrics().containsKey("R2") && Double.isNaN(result.r2())) {
      warn("a target is constant: R2 is undefined");
    }
  }

  /** Warns of an end that is not the minimum, or not known to be, by what was done. */
  private static void end(
      TrainingResult result, boolean isStandardized, TrainingOptions asked, MethodName method) {
    Certificate certificate = result.certificate();
    if (certificate == null) {
      return;
    }
    boolean isNear = certificate.gap() <= NEAR * Math.abs(certificate.objective());
    // Of a fit without residuals the loss is rounding, and so is what it is above zero.
    boolean isPerfect = result.r2() > 1 - 1e-12;
    if (isNear || isPerfect || result.stopReason().isEarly()) {
      return;
    }
    boolean isSquared = !Double.isNaN(result.mse());
    if (!method.isSolver()) {
      if (certificate.isIllConditioned()) {
        illConditioned(certificate, isStandardized, asked);
      } else if (!isSquared) {
        warn(
            "how far the loss is above its minimum is not known: %s steps until --epochs; --optimizer auto ends there by itself where the loss and no penalty allow"
                .formatted(method.text()));
      }
    } else if (result.stopReason() == StopReason.UNBOUNDED) {
      // Separable classes are warned of by their accuracy.
      if (result.metrics().getOrDefault("accuracy", 0.0) < 1 - 1e-12) {
        warn(
            "the loss has no minimum: some coefficients grow without end, as where a group has one class or zeros alone; add --l2");
      }
    } else if (result.stopReason() == StopReason.CONVERGED) {
      if (isSquared) {
        far(certificate);
      }
    } else if (result.stopReason() == StopReason.EPOCHS) {
      warn(
          "%s has not converged in %,d epochs: give more --epochs%s"
              .formatted(
                  method.text(),
                  result.epochs(),
                  asked.l2 == 0 ? ", or add --l2, with which it takes fewer" : ""));
    } else if (result.stopReason() == StopReason.ROUNDING) {
      warn(
          String.format(
              Locale.ROOT,
              "stopped: no progress%s; coefficients may have fewer digits than are printed",
              Double.isNaN(certificate.condition())
                  ? ""
                  : ", with condition number %.3g".formatted(certificate.condition())));
    }
  }

  /** A minimum as far as rounding allows, which is not far. */
  private static void far(Certificate certificate) {
    warn(
        Double.isNaN(certificate.gap())
            ? "how far the loss is above its minimum is not known: " + certificate.basis()
            : String.format(
                Locale.ROOT,
                "rounding leaves the loss up to %.3g above its minimum: columns are far from zero for their spread, or nearly repeat others; subtract a number near their means",
                certificate.gap()));
  }

  private static void illConditioned(
      Certificate certificate, boolean isStandardized, TrainingOptions asked) {
    warn(
        String.format(
            Locale.ROOT,
            "the problem is ill-conditioned: X^T X has condition number %s, and optimizers that step need about as many passes; %sthe method that --optimizer auto takes needs few, and %s",
            certificate.condition() > 1e15
                ? "beyond rounding"
                : String.format(Locale.ROOT, "%.3g", certificate.condition()),
            isStandardized ? "" : "standardization lowers it, ",
            asked.l2 == 0
                ? "--l2 lowers it, as does dropping features that nearly repeat others"
                : "a smaller --l2 lowers it where that is large, a larger one where features nearly repeat others"));
  }

  /** Warns of a mean of parameters from a step on (0 if there is none) that never began. */
  static void printAverage(long first, long steps) {
    if (first > steps) {
      warn(
          "--average mean:%d: there were %,d steps, so that the model is that of the last one, not a mean; take an earlier step"
              .formatted(first, steps));
    }
  }

  /** Warns of a model that is of no use. */
  static void printFit(TrainingResult result, MethodName method, boolean hasIntercept) {
    boolean isDeviance = result.metrics().containsKey("D2");
    double share = isDeviance ? result.metrics().get("D2") : result.r2();
    if (!(share < -1e-6) || !Double.isFinite(share)) {
      return;
    }
    String found =
        String.format(
            Locale.ROOT,
            "the model is worse than a constant (%s %.3g)",
            isDeviance ? "D2" : "R2",
            share);
    boolean isEnded = method.isSolver() && result.stopReason() == StopReason.CONVERGED;
    if (!isEnded) {
      warn(
          found
              + (method.isSolver()
                  ? "; it ended before the minimum"
                  : ": train longer, with a larger learning rate, or leave the choice to --optimizer auto"));
    } else if (!hasIntercept) {
      warn(found + ", which it cannot be, through the origin; leave out --no-intercept");
    } else {
      warn(found + ": the penalty, or the loss, asks for that");
    }
  }

  private static void constant(List<String> columns) {
    if (!columns.isEmpty()) {
      warn("constant columns carry no information and get coefficient 0: " + Excerpt.of(columns));
    }
  }

  static void print(PathResult result) {
    constant(result.constantFeatures());
    if (result.unconverged() > 0) {
      warn(
          "%,d models have not converged to a duality gap of 1e-10 of their objective; consider a larger --ratio, or dropping features that nearly repeat others"
              .formatted(result.unconverged()));
    }
  }

  private static void warn(String message) {
    System.err.println("panagrad: warning: " + message);
  }
}
