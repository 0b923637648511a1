package dev.panagrad.safetensors;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Several names in one text of the metadata: a JSON list. */
public final class NameList {
  private static final String WHAT = "a list of names";

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
   * @param most how many there may be: a name in memory is larger than in the text, and a file can
   *     say how many it has by something that takes room in it
   * @throws IOException if the text is not a JSON list of strings, or has more of them
   */
  public static List<String> parse(String text, long most) throws IOException {
    try {
      JsonScanner in = new JsonScanner(text.getBytes(StandardCharsets.UTF_8));
      in.expect('[', WHAT);
      List<String> names = new ArrayList<>();
      while (in.hasNext(']', names.isEmpty(), WHAT)) {
        if (names.size() == most) {
          throw new IOException("more names than the %,d that the tensors have".formatted(most));
        }
        names.add(in.string(WHAT));
      }
      in.end(WHAT);
      return names;
    } catch (JsonScanner.MalformedException e) {
      throw new IOException(
          "not a JSON list of names: byte %,d of it, %s".formatted(e.at, e.getMessage()), e);
    }
  }
}
