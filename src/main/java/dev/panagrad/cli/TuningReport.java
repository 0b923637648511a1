package dev.panagrad.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.panagrad.backend.Backend;
import dev.panagrad.tune.Candidate;
import dev.panagrad.tune.Conditioning;
import dev.panagrad.tune.GradientNoiseScale;
import dev.panagrad.tune.RateCurve;
import dev.panagrad.tune.Trial;
import dev.panagrad.tune.Tuning;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What {@code tune} found: a table of candidates, advice in words, and a command line. */
record TuningReport(
    Tuning tuning,
    long rows,
    RuleName optimizer,
    TrainCommand.Exact exact,
    SuggestedCommand command) {

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
      boolean isSuggested = trial.equals(tuning.suggested());
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
          isSuggested ? " *" : "");
    }
    out.println();
    words().forEach(out::println);
    out.printf("%nsuggested:%n%s%n", command.line());
  }

  private static String loss(double loss) {
    return Double.isInfinite(loss) ? "diverged" : String.format(Locale.ROOT, "%.8g", loss);
  }

  /** Empty where there is no exact loss, or none to compare. */
  private String gap(double loss) {
    return Double.isNaN(exact.mse()) || Double.isInfinite(loss) ? "" : exact.gap(loss);
  }

  /** Advice, a sentence or two a line. */
  private List<String> words() {
    List<String> words = new ArrayList<>();
    words.add(rateWords());
    words.add(batchWords());
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
        "batch size: the noise scale of gradients is %s rows at the start%s"
            .formatted(
                number(start.rows()),
                later == null
                    ? ""
                    : " and %s after epoch %,d"
                        .formatted(number(later.rows()), tuning.epochsLater()));
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
    double before = tuning.byDefault().loss();
    if (suggested.equals(tuning.byDefault())) {
      return "result: no candidate was better than the defaults of 'train'";
    }
    return "result: %,d epochs end at %s with the suggestion and at %s with the defaults, on this backend and with this seed"
        .formatted(tuning.epochs(), loss(suggested.loss()), loss(before));
  }

  private static String number(double value) {
    return Double.isInfinite(value)
        ? "infinitely many"
        : Math.abs(value) >= 1000
            ? String.format(Locale.ROOT, "%,.0f", value)
            : String.format(Locale.ROOT, "%.3g", value);
  }

  void printJson(Backend backend) throws IOException {
    Conditioning conditioning = tuning.conditioning();
    JsonOutput.write(
        out -> {
          out.writeStringField("backend", backend.name());
          out.writeStringField("optimizer", optimizer.text());
          out.writeNumberField("epochs", tuning.epochs());
          out.writeNumberField("shortEpochs", tuning.shortEpochs());
          JsonOutput.number(out, "exactMse", exact.mse());
          out.writeArrayFieldStart("candidates");
          for (Trial trial : tuning.trials()) {
            out.writeStartObject();
            write(out, trial);
            out.writeEndObject();
          }
          out.writeEndArray();
          JsonOutput.number(out, "steepestRate", tuning.curve().steepest());
          JsonOutput.number(out, "divergenceRate", tuning.curve().divergence());
          JsonOutput.number(out, "automaticRate", tuning.automaticRate());
          JsonOutput.number(out, "noiseScaleAtStart", tuning.noiseAtStart().rows());
          JsonOutput.number(
              out,
              "noiseScaleLater",
              tuning.noiseLater() == null ? Double.NaN : tuning.noiseLater().rows());
          out.writeNumberField("advisedBatch", tuning.noiseAtStart().advisedBatch(rows));
          JsonOutput.number(out, "condition", conditioning.raw());
          JsonOutput.number(out, "conditionStandardized", conditioning.standardized());
          JsonOutput.number(out, "scaleRange", conditioning.scaleRange());
          names(out, "constantFeatures", conditioning.constant());
          out.writeArrayFieldStart("repeatedFeatures");
          for (Conditioning.Repeat repeat : conditioning.repeats()) {
            out.writeStartObject();
            out.writeStringField("first", repeat.first());
            out.writeStringField("second", repeat.second());
            JsonOutput.number(out, "correlation", repeat.correlation());
            out.writeEndObject();
          }
          out.writeEndArray();
          names(out, "advice", words());
          out.writeObjectFieldStart("suggested");
          write(out, tuning.suggested());
          out.writeEndObject();
          JsonOutput.number(out, "defaultMse", tuning.byDefault().loss());
          names(out, "arguments", command.arguments());
          out.writeStringField("command", command.line());
        });
  }

  private void write(JsonGenerator out, Trial trial) throws IOException {
    Candidate c = trial.candidate();
    JsonOutput.number(out, "learningRate", c.rate());
    out.writeStringField("from", c.basis());
    out.writeNumberField("batchSize", c.batch());
    out.writeStringField("schedule", c.schedule(tuning.epochs()));
    JsonOutput.number(out, "shortMse", trial.shortLoss());
    JsonOutput.number(out, "mse", trial.loss());
    out.writeNumberField("steps", trial.steps());
  }

  private static void names(JsonGenerator out, String field, List<String> texts)
      throws IOException {
    out.writeArrayFieldStart(field);
    for (String text : texts) {
      out.writeString(text);
    }
    out.writeEndArray();
  }
}
