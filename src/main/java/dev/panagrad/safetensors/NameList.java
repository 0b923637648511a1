package dev.panagrad.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;

/** Several names in one text of the metadata: a JSON list. */
public final class NameList {
  private NameList() {}

  /** The text. */
  public static String format(List<String> names) throws IOException {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
      out.writeStartArray();
      for (String name : names) {
        out.writeString(name);
      }
      out.writeEndArray();
    }
    return text.toString();
  }

  /**
   * The names.
   *
   * @throws IOException if the text is not a JSON list of strings
   */
  public static List<String> parse(String text) throws IOException {
    List<String> names = new ArrayList<>();
    try (JsonParser in = new JsonFactory().createParser(text)) {
      boolean isList = in.nextToken() == JsonToken.START_ARRAY;
      while (isList && in.nextToken() == JsonToken.VALUE_STRING) {
        names.add(in.getText());
      }
      if (!isList || in.currentToken() != JsonToken.END_ARRAY || in.nextToken() != null) {
        throw new IOException("not a JSON list of names");
      }
      return names;
    } catch (JsonProcessingException e) {
      throw new IOException("not a JSON list of names: " + e.getOriginalMessage(), e);
    }
  }
}
