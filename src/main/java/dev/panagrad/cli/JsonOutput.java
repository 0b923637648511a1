package dev.panagrad.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;

/** Writes exactly one JSON object to standard output. */
final class JsonOutput {
  private JsonOutput() {}

  /** The fields of the object. */
  @FunctionalInterface
  interface Fields {
    void writeTo(JsonGenerator out) throws IOException;
  }

  static void write(Fields fields) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
      out.useDefaultPrettyPrinter();
      out.writeStartObject();
      fields.writeTo(out);
      out.writeEndObject();
    }
    System.out.println(text);
  }

  /** A number, or null where JSON has no word for it. */
  static void number(JsonGenerator out, String name, double value) throws IOException {
    out.writeFieldName(name);
    number(out, value);
  }

  /** A number, or null where JSON has no word for it. */
  static void number(JsonGenerator out, double value) throws IOException {
    if (Double.isFinite(value)) {
      out.writeNumber(value);
    } else {
      out.writeNull();
    }
  }
}
