package dev.panagrad.cli;

import dev.panagrad.data.Dataset;
import dev.panagrad.data.TableReader;
import dev.panagrad.path.PathResult;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.Certificate;
import dev.panagrad.train.StopReason;
import dev.panagrad.train.TrainingFile;
import dev.panagrad.train.TrainingResult;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** What is suspicious about data or result but does not prevent training; on standard error. */
final class Warnings {
  // Steps of the element type, as a part of a column's range: four digits are left.
  private static final double FINE_ENOUGH = 2e-4;

  private static final double NEAR = 1e-6; // part of the objective: coefficients have 3 digits

  private Warnings() {}

  /**
   * Warns of rows with weight above 0, of all if weights are null; returns the features that vary
   * by few steps of their type.
   */
  static List<String> print(Dataset data, Tensor weights) {
    if (data.x().dtype() != DType.F32) {
      return List.of();
    }
    List<String> coarse = precision(data.x(), data.features(), weights);
    precision(data.y(), data.targets(), weights);
    return coarse;
  }

  /** Warns of values that were lost when they were read. */
  static void printBelowF32(TableReader reader) {
    List<String> columns = new ArrayList<>();
    reader.belowF32().forEach((name, count) -> columns.add("%s (%,d)".formatted(name, count)));
    if (!columns.isEmpty()) {
      Warning.F32_ZEROS.print(Excerpt.of(columns));
    }
  }

  /** Warns of fewer training rows than features where no penalty chooses among coefficients. */
  static void printRows(long used, long trained, int features, TrainingOptions asked) {
    if (trained > 0 && trained < features && !asked.isPenalized()) {
      Warning.FEW_ROWS.print(trained, trained < used ? " besides those held out" : "", features);
    }
  }

  /** Timestamps and identifiers vary by less than F32 can tell apart. */
  private static List<String> precision(Tensor t, List<String> names, Tensor weights) {
    List<String> coarse = new ArrayList<>();
    float[] lows = new float[names.size()];
    float[] highs = new float[lows.length];
    float[] row = new float[lows.length];
    Arrays.fill(lows, Float.POSITIVE_INFINITY);
    Arrays.fill(highs, Float.NEGATIVE_INFINITY);
    for (long i = 0; i < t.rows(); i++) {
      if (weights != null && weights.get(i) == 0) {
        continue;
      }
      long at = t.byteOffset() + i * t.rowStride() * Float.BYTES;
      MemorySegment.copy(t.segment(), ValueLayout.JAVA_FLOAT, at, row, 0, row.length);
      for (int c = 0; c < lows.length; c++) {
        lows[c] = Math.min(lows[c], row[c]);
      }
      for (int c = 0; c < highs.length; c++) {
        highs[c] = Math.max(highs[c], row[c]);
      }
    }
    for (int c = 0; c < lows.length; c++) {
      float low = lows[c];
      float high = highs[c];
      float spacing = Math.ulp(Math.max(Math.abs(low), Math.abs(high)));
      if (low <= high && spacing > FINE_ENOUGH * (high - low) && spacing > (low == high ? 1 : 0)) {
        Warning.F32_STEPS.print(names.get(c), low, high, spacing);
        coarse.add(names.get(c));
      }
    }
    return coarse;
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
      Warning.F32_FILE.print(Excerpt.of(coarse));
    }
  }

  /** Warns after a training, of which that was asked for. */
  static void print(TrainingResult result, TrainingOptions asked, Ended by) {
    constant(result.constantFeatures(), by.coarse());
    int dependencies = result.dependencies().size();
    if (dependencies > 0 && asked.l2 == 0) {
      Warning.DEPENDENT.print(
          result.dependencies().getFirst(),
          dependencies == 1 ? "" : ", and %,d more are too".formatted(dependencies - 1),
          by.method() == MethodName.EXACT && !Double.isNaN(result.mse())
              ? ", and these are the smallest"
              : "");
    }
    end(result, asked, by);
    result.metricNotes().forEach(Warning.METRIC::print);
    // All training rows are on their side of the plane: it can be made as steep as one likes.
    if (isSeparated(result)) {
      boolean isOneClass =
          Double.isNaN(result.metrics().get("AUC")) && !result.metricNotes().containsKey("AUC");
      // No penalty is on the intercept.
      if (isOneClass && !asked.noIntercept) {
        Warning.ONE_CLASS.print();
      } else if (!asked.isPenalized(by.method())) {
        Warning.SEPARABLE.print();
      }
    }
    if (hasConstantTarget(result)) {
      List<String> targets = result.model().targets();
      Warning.CONSTANT_TARGET.print(
          targets.size() == 1
              ? "target '%s'".formatted(targets.getFirst())
              : "a target of " + Excerpt.of(targets));
    }
  }

  private static boolean hasConstantTarget(TrainingResult result) {
    return result.metrics().containsKey("R2") && Double.isNaN(result.r2());
  }

  private static boolean isSeparated(TrainingResult result) {
    return result.metrics().getOrDefault("accuracy", 0.0) > 1 - 1e-12;
  }

  /** Warns of an end that is not the minimum, or not known to be, by what was done. */
  private static void end(TrainingResult result, TrainingOptions asked, Ended by) {
    Certificate certificate = result.certificate();
    // Of a fit without residuals the loss is rounding, and so is what it is above zero.
    boolean isPerfect = result.r2() > 1 - 1e-12 || hasConstantTarget(result);
    if (certificate == null || isPerfect || isChosen(result) || result.stopReason().isEarly()) {
      return;
    }
    boolean isNear = certificate.gap() <= NEAR * Math.abs(certificate.objective());
    boolean isSquared = !Double.isNaN(result.mse());
    if (isNear) {
      return;
    }
    if (!by.method().isSolver()) {
      if (certificate.isIllConditioned()) {
        illConditioned(certificate, asked, by);
      } else if (!isSquared) {
        Warning.STEPS_TO_THE_END.print(
            Double.isNaN(certificate.gap())
                ? "how far the loss is above its minimum is not known"
                : String.format(
                    Locale.ROOT, "the loss is up to %.3g above its minimum", certificate.gap()),
            by.method().text(),
            result.stopReason() == StopReason.PATIENCE ? "by --patience" : "after --epochs",
            by.better() == null
                ? "no method that ends there by itself is known for this loss with a penalty: compare with more --epochs, and a --schedule that decays"
                : by.better() + " ends there by itself");
      }
      return;
    }
    switch (result.stopReason()) {
      case UNBOUNDED -> {
        if (!isSeparated(result)) {
          Warning.NO_MINIMUM.print();
        }
      }
      case CONVERGED -> {
        if (isSquared && Double.isNaN(certificate.gap())) {
          Warning.NO_BOUND.print(certificate.basis());
        } else if (by.isF32() && Double.isNaN(certificate.gap())) {
          // What F32 rounds may be much of a loss that is flat, as of classes that are rare.
          Warning.NO_BOUND.print(certificate.basis() + "; --dtype f64 has more digits");
        } else if (!Double.isNaN(certificate.gap())) {
          Warning.ROUNDING.print(
              certificate.gap(),
              by.isF32()
                  ? "rows are f32; --dtype f64 has more digits"
                  : "columns are far from zero for their spread, or nearly repeat others; subtract a number near their means");
        }
      }
      case EPOCHS ->
          Warning.UNFINISHED.print(
              by.method().text(),
              result.epochs(),
              asked.l2 == 0 ? ", or add --l2, with which it takes fewer" : "");
      case ROUNDING ->
          Warning.NO_PROGRESS.print(
              Double.isNaN(certificate.condition())
                  ? ""
                  : String.format(
                      Locale.ROOT, ", with condition number %.3g", certificate.condition()));
      default -> {} // it was stopped as it was asked to
    }
  }

  /** True for the model of an epoch before the last, chosen by the rows held out. */
  private static boolean isChosen(TrainingResult result) {
    return result.epoch() < result.epochs();
  }

  private static void illConditioned(Certificate certificate, TrainingOptions asked, Ended by) {
    List<String> advice = new ArrayList<>();
    if (!by.isStandardized()) {
      advice.add("standardization lowers it");
    }
    if (by.better() != null) {
      advice.add(by.better() + " takes a method that needs fewer");
    }
    advice.add(
        asked.l2 == 0
            ? "--l2 lowers it, as does dropping features that nearly repeat others"
            : "a smaller --l2 lowers it where that is large, a larger one where features nearly repeat others");
    Warning.ILL_CONDITIONED.print(
        certificate.condition() > 1e15
            ? "beyond rounding"
            : String.format(Locale.ROOT, "%.3g", certificate.condition()),
        String.join("; ", advice));
  }

  /** Warns of a mean of parameters from a step on (0 if there is none) that never began. */
  static void printAverage(long first, long steps) {
    if (first > steps) {
      Warning.NO_AVERAGE.print(first, steps);
    }
  }

  /** Warns of a model that is of no use. */
  static void printFit(TrainingResult result, TrainingOptions asked, Ended by) {
    boolean isDeviance = result.metrics().containsKey("D2");
    String name = isDeviance ? "D2" : "R2";
    double share = isDeviance ? result.metrics().get(name) : result.r2();
    if (!(share < -1e-6) || !Double.isFinite(share)) {
      return;
    }
    if (isChosen(result)) {
      Warning.POOR_CHOICE.print(name, share);
    } else if (!by.method().isSolver()) {
      Warning.POOR_STEPS.print(
          name,
          share,
          "train longer%s%s"
              .formatted(
                  asked.isRateAutomatic() ? "" : ", or with a larger learning rate",
                  by.better() == null ? "" : "; %s trains to the end".formatted(by.better())));
    } else if (result.stopReason() == StopReason.CONVERGED) {
      (asked.noIntercept ? Warning.POOR_ORIGIN : Warning.POOR_MINIMUM).print(name, share);
    } else if (result.stopReason() != StopReason.ROUNDING
        && result.stopReason() != StopReason.UNBOUNDED) {
      Warning.POOR_END.print(name, share);
    }
  }

  /** Warns of constants but those that only the type of the rows made constant. */
  private static void constant(List<String> columns, List<String> coarse) {
    List<String> others = columns.stream().filter(name -> !coarse.contains(name)).toList();
    if (!others.isEmpty()) {
      Warning.CONSTANT.print(Excerpt.of(others));
    }
  }

  static void print(PathResult result, List<String> coarse) {
    constant(result.constantFeatures(), coarse);
    if (result.unconverged() > 0) {
      Warning.UNFINISHED_PATH.print(result.unconverged());
    }
  }

  /**
   * What trained.
   *
   * @param better the options that end at the minimum by themselves; null if none do
   * @param coarse features that vary by few steps of their type
   */
  record Ended(
      MethodName method,
      boolean isStandardized,
      String better,
      List<String> coarse,
      boolean isF32) {}
}
