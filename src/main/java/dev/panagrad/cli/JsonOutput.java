package dev.panagrad.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** Writes exactly one JSON object to standard output. */
final class JsonOutput {
  private JsonOutput() {}

  /** Prints fields whose values are texts, numbers, truth values, arrays, lists or maps of them. */
  static void print(Map<String, Object> fields) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
      out.useDefaultPrettyPrinter();
      write(out, fields);
    }
    System.out.println(text);
  }

  private static void write(JsonGenerator out, Object value) throws IOException {
    switch (value) {
      case Map<?, ?> map -> {
        out.writeStartObject();
        for (Map.Entry<?, ?> field : map.entrySet()) {
          out.writeFieldName(field.getKey().toString());
          write(out, field.getValue());
        }
        out.writeEndObject();
      }
      case List<?> list -> {
        out.writeStartArray();
        for (Object element : list) {
          write(out, element);
        }
        out.writeEndArray();
      }
      case double[] numbers -> write(out, Arrays.stream(numbers).boxed().toList());
      case double[][] rows -> write(out, List.of(rows));
      case Integer number -> out.writeNumber(number);
      case Long number -> out.writeNumber(number);
      case Boolean truth -> out.writeBoolean(truth);
      // JSON has no word for numbers that are not finite.
      case Double number when !Double.isFinite(number) -> out.writeNull();
      case Double number -> out.writeNumber(number);
      default -> out.writeString(value.toString());
    }
  }
}
