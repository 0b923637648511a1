package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.train.Certificate;
import dev.panagrad.train.TrainingResult;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** The outcome of {@code train}, as text or as the fields of a JSON object. */
record TrainReport(
    MethodName optimizer,
    TrainingOptions training,
    LossOptions loss,
    TrainingResult result,
    Backend backend,
    ExactLoss exact,
    Map<String, Double> phases) {

  void print(PrintStream out) {
    out.printf(
        "%n%s on %s (%s): %,d epochs, %,d steps, %.3f s; stopped because %s%n",
        optimizer.text(),
        backend.name(),
        backend.detail(),
        result.epochs(),
        result.steps(),
        result.seconds(),
        result.stopReason().message());
    if (!Double.isNaN(result.learningRate())) {
      out.printf(
          "learning rate  %.4g%s%n",
          result.learningRate(),
          training.isRateAutomatic() ? " (from the curvature of the loss)" : "");
    }
    if (result.epoch() < result.epochs()) {
      out.printf("model of epoch  %,d (lowest loss of the rows held out)%n", result.epoch());
    }
    out.printf("passes over the rows  %,d%n", result.passes());
    if (!backend.usesHostMemory()) {
      out.printf("copied between host and device  %,d bytes%n", backend.trace().copiedBytes());
    }
    boolean isPlain = !loss.isPresent();
    out.printf("loss (%s)  %.10g%n", isPlain ? "MSE" : loss.loss().name(), result.loss());
    if (!Double.isNaN(exact.mse())) {
      out.printf(
          "exact least squares  %.10g, gap %s%s%n",
          exact.mse(), exact.gap(result.mse()), exact.note());
    } else if (exact.note() != null) {
      out.println("exact least squares  not computed: " + exact.note());
    }
    Certificate certificate = result.certificate();
    out.printf("gradient norm  %.4g (units of training)%n", certificate.gradientNorm());
    out.printf("certificate  %s%n", certificate.message());
    result
        .metrics()
        .forEach(
            (name, value) ->
                out.printf(
                    "%s  %s%n", name, Double.isNaN(value) ? "undefined" : "%.6f".formatted(value)));
    if (!Double.isNaN(result.validationMse())) {
      out.printf("validation %s  %.10g%n", isPlain ? "MSE" : "loss", result.validationMse());
    }
    for (int j = 0; j < result.model().targets().size(); j++) {
      printCoefficients(out, result.model(), j, !training.noIntercept);
    }
  }

  void printPhases(PrintStream out) {
    out.printf("%nseconds%n");
    phases.forEach((phase, seconds) -> out.printf("  %-16s %9.3f%n", phase, seconds));
    out.printf("  %-16s %9.3f%n", "all", phases.values().stream().mapToDouble(s -> s).sum());
  }

  static void printCoefficients(PrintStream out, LinearModel model, int j, boolean hasIntercept) {
    out.printf("%ncoefficients of %s (raw units)%n", model.targets().get(j));
    if (hasIntercept) {
      out.printf("  %-16s %15.8g%n", "(intercept)", model.intercept(j));
    }
    for (int f = 0; f < model.features().size(); f++) {
      out.printf(
          "  %-16s %15.8g%n", Excerpt.escaped(model.features().get(f)), model.coefficient(j, f));
    }
  }

  Map<String, Object> fields() {
    LinearModel model = result.model();
    Certificate certificate = result.certificate();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("backend", backend.name());
    fields.put("optimizer", optimizer.text());
    fields.put("epochs", result.epochs());
    fields.put("modelEpoch", result.epoch());
    fields.put("steps", result.steps());
    fields.put("learningRate", result.learningRate());
    fields.put("passes", result.passes());
    fields.put("gradientNorm", certificate.gradientNorm());
    fields.put("objective", certificate.objective());
    fields.put("gapBound", certificate.gap());
    fields.put("gapBasis", certificate.basis());
    fields.put("condition", certificate.condition());
    fields.put("loss", loss.loss().name());
    fields.put("value", result.loss());
    fields.put("metrics", result.metrics());
    fields.put("mse", result.mse());
    fields.put("r2", result.r2());
    fields.put("exactMse", optimizer == MethodName.EXACT ? result.mse() : exact.mse());
    if (Double.isNaN(exact.mse()) && exact.note() != null) {
      fields.put("exactMissing", exact.note());
    }
    if (!Double.isNaN(result.validationMse())) {
      fields.put("validationMse", result.validationMse());
    }
    fields.put("coefficients", model.coefficients());
    fields.put("intercept", model.intercepts());
    fields.put("features", model.features());
    fields.put("targets", model.targets());
    fields.put("stopReason", result.stopReason().message());
    fields.put("seconds", result.seconds());
    fields.put("phases", phases);
    return fields;
  }
}
