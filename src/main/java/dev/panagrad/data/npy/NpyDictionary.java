package dev.panagrad.data.npy;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.ElementType;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

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
  /** NumPy's limit. */
  private static final int MAX_RANK = 64;

  /** Fields that pad a record have no name and this type. */
  private static final char PADDING = 'V';

  private final String name;
  private final int textStart;
  private final Charset charset;
  private final PythonText text;

  private String descr;
  private boolean record;
  private List<NpyArray.Column> columns;
  private long itemBytes;
  private Boolean fortranOrder;
  private List<Long> shape;

  /**
   * A dictionary to be parsed.
   *
   * @param name what messages call the file
   * @param textStart bytes before the text
   * @param charset of the text in the file
   */
  NpyDictionary(String name, String text, int textStart, Charset charset) {
    this.name = name;
    this.textStart = textStart;
    this.charset = charset;
    this.text = new PythonText(text, this::wrong);
  }

  void parse() {
    text.expect('{');
    while (!text.accept('}')) {
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
      if (!text.accept(',')) {
        text.expect('}');
        break;
      }
    }
    text.expectEnd();
    if (descr == null || fortranOrder == null || shape == null) {
      throw wrong(0, "the header needs the keys 'descr', 'fortran_order' and 'shape'");
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
    boolean comma = false;
    while (!text.accept(')')) {
      int at = text.position();
      if (extents.size() == MAX_RANK) {
        throw wrong(at, "a shape has at most " + MAX_RANK + " extents");
      }
      extents.add(text.extent());
      comma = text.accept(',');
      if (!comma) {
        text.expect(')');
        break;
      }
    }
    if (extents.size() == 1 && !comma) {
      throw wrong(start, "the shape is no tuple: one of one extent ends in ',)'");
    }
    return List.copyOf(extents);
  }

  private void elements() {
    if (!text.accept('[')) {
      int at = text.position();
      descr = text.string();
      NpyArray.Column column = element(null, descr, 0, at);
      columns = List.of(column);
      itemBytes = column.type().bytes();
      return;
    }
    record = true;
    descr = "records";
    columns = new ArrayList<>();
    Set<String> seen = new HashSet<>();
    while (!text.accept(']')) {
      field(seen);
      if (!text.accept(',')) {
        text.expect(']');
        break;
      }
    }
    if (columns.isEmpty()) {
      throw wrong(text.position(), "the records have no fields");
    }
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
    NpyArray.Column column = element(field, type, itemBytes, typeAt);
    columns.add(column);
    itemBytes += column.type().bytes();
  }

  private int padding(String type, int at) {
    if (type.length() > 2
        && type.length() <= 8
        && type.charAt(1) == PADDING
        && type.chars().skip(2).allMatch(c -> c >= '0' && c <= '9')) {
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
          where
              + " has Python objects, '"
              + type
              + "', which are pickled; pickles can run code and are not read. Save array.astype('<f8')");
    }
    ElementType element = type.length() < 3 ? null : numbers(type.substring(1));
    char order = type.isEmpty() ? 0 : type.charAt(0);
    boolean known = order == '<' || order == '>' || (order == '|' && type.endsWith("1"));
    if (element == null || !known) {
      throw wrong(
          at,
          "%s has the type '%s'; bool, integers of 1 to 8 bytes and floats of 2, 4 and 8 are read. Save array.astype('<f8')"
              .formatted(where, type));
    }
    return new NpyArray.Column(field, element, order == '>', offset);
  }

  private static ElementType numbers(String type) {
    return switch (type) {
      case "b1" -> ElementType.BOOL;
      case "i1" -> ElementType.INT8;
      case "i2" -> ElementType.INT16;
      case "i4" -> ElementType.INT32;
      case "i8" -> ElementType.INT64;
      case "u1" -> ElementType.UINT8;
      case "u2" -> ElementType.UINT16;
      case "u4" -> ElementType.UINT32;
      case "u8" -> ElementType.UINT64;
      case "f2" -> ElementType.FLOAT16;
      case "f4" -> ElementType.FLOAT32;
      case "f8" -> ElementType.FLOAT64;
      default -> null;
    };
  }

  /** The failure at a character of the text. */
  private DataException wrong(int at, String problem) {
    int before = text.before(at).getBytes(charset).length;
    return new DataException("%s, byte %,d: %s".formatted(name, textStart + before, problem));
  }

  /** The type, for messages. */
  String descr() {
    return record ? descr : "'" + descr + "'";
  }

  /** Whether elements have fields. */
  boolean isRecord() {
    return record;
  }

  /** The fields, or the one type. */
  List<NpyArray.Column> columns() {
    return List.copyOf(columns);
  }

  /** Bytes of one element, at least 1. */
  long itemBytes() {
    return itemBytes;
  }

  boolean fortranOrder() {
    return fortranOrder;
  }

  List<Long> shape() {
    return shape;
  }

  /** A shape as Python writes it. */
  static String shown(List<Long> shape) {
    StringBuilder shown = new StringBuilder("(");
    for (int i = 0; i < shape.size(); i++) {
      shown.append(i == 0 ? "" : ", ").append(shape.get(i));
    }
    return shown.append(shape.size() == 1 ? ",)" : ")").toString();
  }
}
