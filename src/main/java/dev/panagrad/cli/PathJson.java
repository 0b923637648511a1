package dev.panagrad.cli;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.panagrad.path.PathResult;
import java.io.IOException;
import java.util.Locale;

/** A path as one JSON object. */
final class PathJson {
  private PathJson() {}

  static void print(PathResult result, int folds, String command) throws IOException {
    JsonOutput.write(
        out -> {
          int chosen = result.chosenIndex();
          out.writeStringField("penalty", result.kind().name().toLowerCase(Locale.ROOT));
          JsonOutput.number(out, "share", result.share());
          out.writeNumberField("folds", folds);
          out.writeNumberField("passes", result.passes());
          out.writeNumberField("unconverged", result.unconverged());
          out.writeNumberField("chosenIndex", chosen);
          JsonOutput.number(out, "chosenValue", result.values()[chosen]);
          JsonOutput.number(out, "chosenL1", result.penalty(chosen).l1());
          JsonOutput.number(out, "chosenL2", result.penalty(chosen).l2());
          out.writeNumberField("oneStandardErrorIndex", result.oneStandardErrorIndex());
          JsonOutput.number(
              out, "oneStandardErrorValue", result.values()[result.oneStandardErrorIndex()]);
          out.writeStringField("command", command);
          out.writeStringField("target", result.target());
          out.writeArrayFieldStart("features");
          for (String feature : result.features()) {
            out.writeString(feature);
          }
          out.writeEndArray();
          numbers(out, "values", result.values());
          numbers(out, "trainingMse", result.trainingMse());
          numbers(out, "validationMse", result.validationMse());
          numbers(out, "standardError", result.standardError());
          numbers(out, "intercepts", result.intercepts());
          out.writeArrayFieldStart("coefficients");
          for (double[] row : result.coefficients()) {
            numbers(out, row);
          }
          out.writeEndArray();
        });
  }

  private static void numbers(JsonGenerator out, String name, double[] values) throws IOException {
    out.writeFieldName(name);
    numbers(out, values);
  }

  private static void numbers(JsonGenerator out, double[] values) throws IOException {
    out.writeStartArray();
    for (double value : values) {
      JsonOutput.number(out, value);
    }
    out.writeEndArray();
  }
}
