package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.tune.Candidate;
import dev.panagrad.tune.Conditioning;
import dev.panagrad.tune.GradientNoiseScale;
import dev.panagrad.tune.RateCurve;
import dev.panagrad.tune.Trial;
import dev.panagrad.tune.Tuning;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What {@code tune} found: a table of candidates, advice in words, and a command line. */
record TuningReport(
    Tuning tuning, long rows, MethodName optimizer, ExactLoss exact, List<String> arguments) {

  void print(Backend backend) {
    PrintStream out = System.out;
    out.printf(
        "%s on %s (%s), %,d rows%n%n", optimizer.text(), backend.name(), backend.detail(), rows);
    out.printf(
        "%-10s %-20s %7s %-12s %14s %10s %14s %10s %9s%n",
        "rate",
        "from",
        "batch",
        "schedule",
        "MSE, %,d ep.".formatted(tuning.shortEpochs()),
        "gap",
        "MSE, %,d ep.".formatted(tuning.epochs()),
        "gap",
        "steps");
    for (Trial trial : tuning.trials()) {
      Candidate c = trial.candidate();
      out.printf(
          "%-10.3g %-20s %,7d %-12s %14s %10s %14s %10s %9s%s%n",
          c.rate(),
          c.basis(),
          c.batch(),
          c.decays() ? "cosine" : "constant",
          loss(trial.shortLoss()),
          gap(trial.shortLoss()),
          trial.isFinalist() ? loss(trial.loss()) : "",
          trial.isFinalist() ? gap(trial.loss()) : "",
          trial.isFinalist() ? "%,d".formatted(trial.steps()) : "",
          trial.equals(tuning.suggested()) ? " *" : "");
    }
    out.println();
    words().forEach(out::println);
    out.printf("%nsuggested:%n%s%n", SuggestedCommand.line(arguments));
  }

  private static String loss(double loss) {
    return Double.isInfinite(loss) ? "diverged" : String.format(Locale.ROOT, "%.8g", loss);
  }

  private String gap(double loss) {
    return Double.isNaN(exact.mse()) || Double.isInfinite(loss) ? "" : exact.gap(loss);
  }

  private List<String> words() {
    List<String> words = new ArrayList<>(List.of(rateWords(), batchWords()));
    words.addAll(tuning.conditioning().words());
    words.add(resultWords());
    return words;
  }

  private String rateWords() {
    RateCurve curve = tuning.curve();
    String grows =
        Double.isNaN(curve.divergence())
            ? "does not double up to " + number(curve.points().getLast().rate())
            : "doubles at a constant rate of " + number(curve.divergence());
    return "learning rate: in the range test the loss falls fastest at %s, and %s; the curvature gives %s, the default is %s"
        .formatted(
            number(curve.steepest()),
            grows,
            Double.isNaN(tuning.automaticRate()) ? "none" : number(tuning.automaticRate()),
            number(tuning.byDefault().candidate().rate()));
  }

  private String batchWords() {
    GradientNoiseScale start = tuning.noiseAtStart();
    GradientNoiseScale later = tuning.noiseLater();
    String scales =
        "batch size: the noise scale of gradients is %s rows at the start"
            .formatted(number(start.rows()));
    if (later != null) {
      scales += " and %s after epoch %,d".formatted(number(later.rows()), tuning.epochsLater());
    }
    if (optimizer.takesFullBatches()) {
      return scales + "; " + optimizer.text() + " takes all rows in every step";
    }
    long advised = start.advisedBatch(rows);
    return scales
        + (advised == rows
            ? "; batches of all rows lose little, as their gradients agree"
            : "; with up to %,d rows, each doubling nearly halves the steps for the same loss; beyond it does not until later, as the scale grows during training"
                .formatted(advised));
  }

  private String resultWords() {
    Trial suggested = tuning.suggested();
    Trial byDefault = tuning.byDefault();
    return suggested.equals(byDefault)
        ? "result: no candidate was better than the defaults of 'train'"
        : "result: %,d epochs end at %s with the suggestion and at %s with the defaults, on this backend and with this seed"
            .formatted(tuning.epochs(), loss(suggested.loss()), loss(byDefault.loss()));
  }

  private static String number(double value) {
    return Double.isInfinite(value)
        ? "infinitely many"
        : Math.abs(value) >= 1000
            ? String.format(Locale.ROOT, "%,.0f", value)
            : String.format(Locale.ROOT, "%.3g", value);
  }

  Map<String, Object> fields(Backend backend) {
    Conditioning conditioning = tuning.conditioning();
    GradientNoiseScale later = tuning.noiseLater();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("backend", backend.name());
    fields.put("optimizer", optimizer.text());
    fields.put("epochs", tuning.epochs());
    fields.put("shortEpochs", tuning.shortEpochs());
    fields.put("exactMse", exact.mse());
    fields.put("candidates", tuning.trials().stream().map(this::fields).toList());
    fields.put("steepestRate", tuning.curve().steepest());
    fields.put("divergenceRate", tuning.curve().divergence());
    fields.put("automaticRate", tuning.automaticRate());
    fields.put("noiseScaleAtStart", tuning.noiseAtStart().rows());
    fields.put("noiseScaleLater", later == null ? Double.NaN : later.rows());
    fields.put("advisedBatch", tuning.noiseAtStart().advisedBatch(rows));
    fields.put("condition", conditioning.raw());
    fields.put("conditionStandardized", conditioning.standardized());
    fields.put("scaleRange", conditioning.scaleRange());
    fields.put("constantFeatures", conditioning.constant());
    fields.put("repeatedFeatures", conditioning.repeats().stream().map(this::fields).toList());
    fields.put("advice", words());
    fields.put("suggested", fields(tuning.suggested()));
    fields.put("defaultMse", tuning.byDefault().loss());
    fields.put("arguments", arguments);
    fields.put("command", SuggestedCommand.line(arguments));
    return fields;
  }

  private Map<String, Object> fields(Conditioning.Repeat repeat) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("first", repeat.first());
    fields.put("second", repeat.second());
    fields.put("correlation", repeat.correlation());
    return fields;
  }

  private Map<String, Object> fields(Trial trial) {
    Candidate c = trial.candidate();
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("learningRate", c.rate());
    fields.put("from", c.basis());
    fields.put("batchSize", c.batch());
    fields.put("schedule", c.schedule(tuning.epochs()));
    fields.put("shortMse", trial.shortLoss());
    fields.put("mse", trial.loss());
    fields.put("steps", trial.steps());
    return fields;
  }
}
