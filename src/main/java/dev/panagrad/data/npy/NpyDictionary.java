package dev.panagrad.data.npy;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ElementType;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Parses the dictionary of an array's header: a Python literal with the keys {@code descr}, {@code
 * fortran_order} and {@code shape}, each once.
 *
 * <pre>
 *   {'descr': '&lt;f8', 'fortran_order': False, 'shape': (442, 10), }
 *   {'descr': [('age', '&lt;f4'), ('', '|V4'), ('bmi', '&lt;f8')], 'fortran_order': False, 'shape': (442,), }
 * </pre>
 *
 * No rule refers to itself, so that a text of any depth is refused at the first bracket too many.
 */
final class NpyDictionary {
  private static final int MAX_RANK = 64; // NumPy's limit
  private final String name;
  private final int textStart;
  private final Charset charset;
  private final PythonText text;
  String descr; // the type, for messages
  boolean isRecord; // whether elements have fields
  final List<NpyArray.Column> columns = new ArrayList<>(); // the fields, or the one type
  long itemBytes; // bytes of one element, at least 1
  Boolean fortranOrder;
  List<Long> shape;

  /** A dictionary to be parsed, that many bytes after the file's first, in that charset. */
  NpyDictionary(String name, String text, int textStart, Charset charset) {
    this.name = name;
    this.textStart = textStart;
    this.charset = charset;
    this.text = new PythonText(text, this::wrong);
  }

  NpyDictionary parse() {
    text.expect('{');
    text.list('}', this::member);
    text.expectEnd();
    if (descr == null || fortranOrder == null || shape == null) {
      throw wrong(0, "the header needs the keys 'descr', 'fortran_order' and 'shape'");
    }
    return this;
  }

  private void member() {
    int at = text.position();
    String key = text.string();
    text.expect(':');
    switch (key) {
      case "descr" -> {
        requireNew(descr, key, at);
        elements();
      }
      case "fortran_order" -> {
        requireNew(fortranOrder, key, at);
        fortranOrder = text.bool();
      }
      case "shape" -> {
        requireNew(shape, key, at);
        shape = extents();
      }
      default ->
          throw wrong(at, "the header has the key '" + key + "', which the format does not have");
    }
  }

  private void requireNew(Object value, String key, int at) {
    if (value != null) {
      throw wrong(at, "the header has the key '" + key + "' twice");
    }
  }

  private List<Long> extents() {
    int start = text.position();
    text.expect('(');
    List<Long> extents = new ArrayList<>();
    boolean comma =
        text.list(
            ')',
            () -> {
              int at = text.position();
              if (extents.size() == MAX_RANK) {
                throw wrong(at, "a shape has at most " + MAX_RANK + " extents");
              }
              extents.add(text.extent());
            });
    if (extents.size() == 1 && !comma) {
      throw wrong(start, "the shape is no tuple: one of one extent ends in ',)'");
    }
    return List.copyOf(extents);
  }

  private void elements() {
    if (!text.accept('[')) {
      int at = text.position();
      String type = text.string();
      descr = "'" + type + "'";
      add(element(null, type, 0, at));
      return;
    }
    isRecord = true;
    descr = "records";
    Set<String> seen = new HashSet<>();
    text.list(']', () -> field(seen));
    if (columns.isEmpty()) {
      throw wrong(text.position(), "the records have no fields");
    }
  }

  private void add(NpyArray.Column column) {
    columns.add(column);
    itemBytes += column.bytes();
  }

  private void field(Set<String> seen) {
    text.expect('(');
    int at = text.position();
    String field = text.string();
    text.expect(',');
    int typeAt = text.position();
    if (text.next() == '[') {
      throw wrong(typeAt, "field '" + field + "' has fields of its own; save its fields as arrays");
    }
    String type = text.string();
    if (text.accept(',') && text.next() != ')') {
      throw wrong(
          text.position(),
          "field '" + field + "' is an array in each record; save it as an array of its own");
    }
    text.expect(')');
    if (field.isEmpty()) {
      itemBytes += padding(type, typeAt);
      return;
    }
    if (!seen.add(field)) {
      throw wrong(at, "field '" + field + "' appears twice");
    }
    add(element(field, type, itemBytes, typeAt));
  }

  private int padding(String type, int at) {
    if (type.matches("[<>|=]V[0-9]{1,6}")) {
      int bytes = Integer.parseInt(type, 2, type.length(), 10);
      if (bytes <= ForwardWindow.WINDOW_BYTES) {
        return bytes;
      }
    }
    throw wrong(at, "a field without a name is padding, such as '|V4', found '" + type + "'");
  }

  private NpyArray.Column element(String field, String type, long offset, int at) {
    String where = field == null ? "the array" : "field '" + field + "'";
    if (type.length() > 1 && type.charAt(1) == 'O') {
      throw wrong(
          at,
          "%s has Python objects, '%s', which are pickled; pickles can run code and are not read. Save array.astype('<f8')"
              .formatted(where, type));
    }
    if (type.matches("[<>|][US][1-9][0-9]{0,6}")) {
      boolean isWide = type.charAt(1) == 'U';
      int bytes = Integer.parseInt(type, 2, type.length(), 10) * (isWide ? Integer.BYTES : 1);
      if (bytes <= ForwardWindow.WINDOW_BYTES) {
        return new NpyArray.Column(field, null, bytes, isWide, type.charAt(0) == '>', offset);
      }
    }
    ElementType element = type.length() < 3 ? null : ElementType.of(type.substring(1));
    char order = type.isEmpty() ? 0 : type.charAt(0);
    boolean known = order == '<' || order == '>' || (order == '|' && type.endsWith("1"));
    if (element == null || !known) {
      throw wrong(
          at,
          "%s has the type '%s'; bool, integers of 1 to 8 bytes, floats of 2, 4 and 8, and texts of up to 262,144 bytes are read; save an array of one of those"
              .formatted(where, type));
    }
    return NpyArray.Column.numbers(field, element, order == '>', offset);
  }

  private DataException wrong(int at, String problem) {
    int before = text.before(at).getBytes(charset).length;
    return new DataException("%s, byte %,d: %s".formatted(name, textStart + before, problem));
  }

  static String shown(List<Long> shape) {
    String extents = shape.stream().map(String::valueOf).collect(Collectors.joining(", "));
    return "(" + extents + (shape.size() == 1 ? ",)" : ")");
  }
}
