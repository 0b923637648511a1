package dev.panagrad.safetensors;

import dev.panagrad.safetensors.JsonScanner.MalformedException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Keeps several names in one text of the metadata: a JSON list. */
public final class NameList {
  // Characters whose escape is a letter, and the letters.
  private static final String NAMED = "\"\\\b\f\n\r\t";

  private static final String NAMES = "\"\\bfnrt";
  private static final String WHAT = "a list of names";

  private NameList() {}

  public static String format(List<String> names) {
    return names.stream().map(NameList::quoted).collect(Collectors.joining(",", "[", "]"));
  }

  /** A JSON string: quotes, backslashes and controls are escaped (RFC 8259, section 7). */
  static String quoted(String text) {
    StringBuilder quoted = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      int named = NAMED.indexOf(c);
      if (named >= 0) {
        quoted.append('\\').append(NAMES.charAt(named));
      } else if (c < ' ') {
        quoted.append("\\u%04X".formatted((int) c));
      } else {
        quoted.append(c);
      }
    }
    return quoted.append('"').toString();
  }

  /** Reads the names; throws if the text is no JSON list of at most {@code most} strings. */
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
    } catch (MalformedException e) {
      throw new IOException(
          "not a JSON list of names: byte %,d of it, %s".formatted(e.at, e.getMessage()), e);
    }
  }
}
