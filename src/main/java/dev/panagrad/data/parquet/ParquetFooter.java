package dev.panagrad.data.parquet;

import dev.panagrad.data.file.HeapShare;
import dev.panagrad.data.file.PandasIndex;
import dev.panagrad.data.parquet.ThriftReader.MalformedException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A Parquet file's footer, read with every length checked and written again with only the fields
 * that reading columns takes. A reader that gets the copy sees lists as long as they say, structs
 * no deeper than the format has them, no index that could lead elsewhere, and nothing encrypted.
 * Source of the field numbers: parquet-format 2.11.0, parquet.thrift.
 */
final class ParquetFooter {
  private sealed interface Kind {}

  /** A number or text of that type. */
  private record Scalar(int type) implements Kind {}

  /** A struct of which these fields are kept; or an element of the schema, which are counted. */
  private record Struct(Map<Integer, Kind> fields, boolean isElement) implements Kind {
    Struct(Map<Integer, Kind> fields) {
      this(fields, false);
    }
  }

  private record ListOf(Kind element) implements Kind {}

  /** Notes by name, of which none is copied. */
  private record Notes() implements Kind {}

  /** A file with this field is refused. */
  private record Refused(String what) implements Kind {}

  private static final Kind I32 = new Scalar(ThriftReader.I32);
  private static final Kind I64 = new Scalar(ThriftReader.I64);
  private static final Kind BINARY = new Scalar(ThriftReader.BINARY);
  private static final Kind EMPTY = new Struct(Map.of());
  private static final Kind ENCRYPTED = new Refused("is encrypted, which is not read");
  // TRUE and FALSE are types of their own; this stands for both.
  private static final Kind BOOLEAN = new Scalar(ThriftReader.TRUE);

  private static final Struct TIME =
      new Struct(Map.of(1, BOOLEAN, 2, new Struct(Map.of(1, EMPTY, 2, EMPTY, 3, EMPTY))));
  private static final Struct INTEGER =
      new Struct(Map.of(1, new Scalar(ThriftReader.BYTE), 2, BOOLEAN));
  private static final Struct DECIMAL = new Struct(Map.of(1, I32, 2, I32));
  // All but these are empty.
  private static final Struct LOGICAL_TYPE =
      new Struct(
          IntStream.of(1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15)
              .boxed()
              .collect(
                  Collectors.toMap(
                      id -> id,
                      id ->
                          switch (id) {
                            case 5 -> DECIMAL;
                            case 7, 8 -> TIME;
                            case 10 -> INTEGER;
                            default -> EMPTY;
                          })));

  private static final Struct SCHEMA_ELEMENT =
      new Struct(
          Map.of(
              1, I32, 2, I32, 3, I32, 4, BINARY, 5, I32, 6, I32, 7, I32, 8, I32, 10, LOGICAL_TYPE),
          true);
  private static final Kind NUMBERS = new ListOf(I32);
  private static final Kind PATH = new ListOf(BINARY);
  private static final Struct COLUMN_META_DATA =
      new Struct(
          Map.of(1, I32, 2, NUMBERS, 3, PATH, 4, I32, 5, I64, 6, I64, 7, I64, 9, I64, 11, I64));
  private static final Kind ELSEWHERE =
      new Refused("keeps columns in other files, which are not read");
  private static final Struct COLUMN_CHUNK =
      new Struct(Map.of(1, ELSEWHERE, 2, I64, 3, COLUMN_META_DATA, 8, ENCRYPTED, 9, ENCRYPTED));
  private static final Struct ROW_GROUP =
      new Struct(Map.of(1, new ListOf(COLUMN_CHUNK), 2, I64, 3, I64));
  private static final Kind SCHEMA = new ListOf(SCHEMA_ELEMENT);
  private static final Kind ROW_GROUPS = new ListOf(ROW_GROUP);
  private static final Kind NOTES = new Notes();
  private static final Struct FILE_META_DATA =
      new Struct(
          Map.of(1, I32, 2, SCHEMA, 3, I64, 4, ROW_GROUPS, 5, NOTES, 8, ENCRYPTED, 9, ENCRYPTED));
  // Groups inside groups, of which nested columns have a few.
  private static final int MAX_SCHEMA_DEPTH = 64;

  private static final int NUM_CHILDREN = 5;
  // What the library makes of them on the heap: measured with 40,000 columns, and with 10,000 row
  // groups of three, which took 36 and 20 MB.
  private static final int STRUCT_BYTES = 180;
  private static final int ELEMENT_BYTES = 24;
  private static final int TEXT_COPIES = 3;
  // Stands for the dots in names, which hardwood-core takes for steps into nested columns, even
  // where a column is asked for by its index (1.0.1; see name).
  private static final char DOT = 0x1F;

  private static final ByteBuffer KEY = StandardCharsets.UTF_8.encode(PandasIndex.KEY);

  private final ThriftReader in;
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final HeapShare heap = new HeapShare();
  // Of each element of the schema, in order.
  private final List<Integer> children = new ArrayList<>();

  private String pandas;

  private ParquetFooter(ByteBuffer bytes) {
    in = new ThriftReader(bytes);
  }

  /** Reads a footer from its bytes without its length. */
  static ParquetFooter read(ByteBuffer bytes) throws MalformedException {
    ParquetFooter footer = new ParquetFooter(bytes);
    footer.struct(FILE_META_DATA);
    requireShallow(footer.children);
    return footer;
  }

  /** The footer with only these fields. */
  byte[] copy() {
    return out.toByteArray();
  }

  /** What pandas noted of its table, or null. */
  String pandas() {
    return pandas;
  }

  /** The name that a column has in the file. */
  static String name(String copied) {
    return copied.replace(DOT, '.');
  }

  /** The schema is a tree written depth first; readers recurse into it. */
  private static void requireShallow(List<Integer> children) throws MalformedException {
    Deque<Integer> open = new ArrayDeque<>();
    for (int count : children) {
      while (!open.isEmpty() && open.peek() == 0) {
        open.pop();
      }
      if (!open.isEmpty()) {
        open.push(open.pop() - 1);
      }
      if (count < 0 || count > children.size() || open.size() > MAX_SCHEMA_DEPTH) {
        throw new MalformedException(
            "the schema has a group of %d columns at depth %d".formatted(count, open.size()));
      }
      open.push(count);
    }
  }

  private void struct(Struct struct) throws MalformedException {
    heap.take(STRUCT_BYTES);
    if (struct.isElement) {
      children.add(0);
    }
    int id = 0;
    int written = 0;
    int field;
    while ((field = in.readField(id)) != 0) {
      id = field >>> 4;
      int type = field & 0xF;
      switch (struct.fields.get(id)) {
        case null -> in.skip(type, 0);
        case Refused refused -> throw new MalformedException(refused.what);
        case Notes _ -> notes(type);
        case Kind kind -> {
          require(type, kind, id);
          int delta = id - written;
          if (delta > 0 && delta < 0x10) {
            out.write(delta << 4 | type);
          } else {
            out.write(type);
            varint((long) id << 1);
          }
          written = id;
          if (struct.isElement && id == NUM_CHILDREN) {
            int count = in.readI32();
            children.set(children.size() - 1, count);
            zigzag(count);
          } else {
            value(type, kind);
          }
        }
      }
    }
    out.write(0);
  }

  private void require(int type, Kind kind, int id) throws MalformedException {
    boolean fits =
        switch (kind) {
          case Scalar scalar ->
              type == scalar.type
                  || (scalar.type == ThriftReader.TRUE && type == ThriftReader.FALSE);
          case Struct _ -> type == ThriftReader.STRUCT;
          case ListOf _ -> type == ThriftReader.LIST;
          case Notes _, Refused _ -> false;
        };
    if (!fits) {
      throw new MalformedException(
          "field %d before byte %,d has type %d".formatted(id, in.position(), type));
    }
  }

  private void value(int type, Kind kind) throws MalformedException {
    switch (kind) {
      case Scalar _ -> scalar(type);
      case Struct struct -> struct(struct);
      case ListOf list -> list(list);
      case Notes _ -> notes(type);
      case Refused refused -> throw new MalformedException(refused.what);
    }
  }

  /** Keeps that of pandas from a list of {@code 1: key, 2: value}; passes over what is none. */
  private void notes(int type) throws MalformedException {
    if (type != ThriftReader.LIST) {
      in.skip(type, 0);
      return;
    }
    long list = in.readList();
    for (long i = list >>> 4; i > 0; i--) {
      if ((list & 0xF) != ThriftReader.STRUCT) {
        in.skip((int) (list & 0xF), 0);
        continue;
      }
      ByteBuffer[] texts = new ByteBuffer[2];
      int id = 0;
      int field;
      while ((field = in.readField(id)) != 0) {
        id = field >>> 4;
        if ((field & 0xF) == ThriftReader.BINARY && id >= 1 && id <= 2) {
          texts[id - 1] = in.readBinary();
        } else {
          in.skip(field & 0xF, 0);
        }
      }
      if (texts[1] != null && KEY.equals(texts[0])) {
        heap.take((long) TEXT_COPIES * texts[1].remaining());
        pandas = StandardCharsets.UTF_8.decode(texts[1]).toString();
      }
    }
  }

  private void list(ListOf list) throws MalformedException {
    long header = in.readList();
    int element = (int) (header & 0xF);
    long size = header >>> 4;
    if (size > 0) {
      require(element, list.element, 0);
    }
    if (size < 0xF) {
      out.write((int) size << 4 | element);
    } else {
      out.write(0xF0 | element);
      varint(size);
    }
    heap.take(size * ELEMENT_BYTES);
    for (long i = 0; i < size; i++) {
      value(element, list.element);
    }
  }

  private void scalar(int type) throws MalformedException {
    switch (type) {
      case ThriftReader.TRUE, ThriftReader.FALSE -> {}
      case ThriftReader.BYTE -> out.write(in.readByte());
      case ThriftReader.I32 -> zigzag(in.readI32());
      case ThriftReader.I64 -> zigzag(in.readI64());
      default -> {
        ByteBuffer text = in.readBinary();
        heap.take((long) TEXT_COPIES * text.remaining());
        varint(text.remaining());
        while (text.hasRemaining()) {
          byte b = text.get();
          out.write(b == '.' ? DOT : b);
        }
      }
    }
  }

  private void zigzag(long value) {
    varint((value << 1) ^ (value >> (Long.SIZE - 1)));
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      out.write((int) ((rest & 0x7F) | 0x80));
      rest >>>= 7;
    }
    out.write((int) rest);
  }
}
