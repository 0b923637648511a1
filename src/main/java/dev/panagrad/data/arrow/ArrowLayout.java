package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.TableOptions;
import java.util.ArrayList;
import java.util.List;
import org.apache.arrow.flatbuf.Endianness;
import org.apache.arrow.flatbuf.Field;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;
import org.apache.arrow.flatbuf.Type;
import org.apache.arrow.flatbuf.Union;
import org.apache.arrow.flatbuf.UnionMode;

/**
 * The columns of a schema, and where their numbers are among the nodes and buffers of a batch,
 * which are listed in depth-first order. Nesting and size are bounded by the schema's own bytes.
 * Source: Arrow columnar format 1.5, buffer listing for each layout.
 */
final class ArrowLayout {
  private static final int MAX_DEPTH = 64;

  final List<ArrowColumn> columns = new ArrayList<>(); // of the first level
  private final List<Field> fields = new ArrayList<>();
  // Bytes that what is yet to be visited may take: several fields may be one in the file.
  private long budget;
  private int nodes; // of each batch

  /** The node that describes a column's rows, and its first buffer. */
  record Place(int node, int buffer) {}

  private ArrowLayout(long budget) {
    this.budget = budget;
  }

  /** Reads a schema of that version of the metadata; a DataException if columns nest too deep. */
  static ArrowLayout of(Schema schema, short version, TableOptions options) {
    if (schema.endianness() != Endianness.Little) {
      throw new DataException("it was written by a big-endian machine, whose numbers are not read");
    }
    ArrowLayout layout = new ArrowLayout(schema.getByteBuffer().capacity());
    for (int i = 0; i < schema.fieldsLength(); i++) {
      Field field = schema.fields(i);
      layout.nodes += layout.visit(field, 0, version);
      layout.columns.add(ArrowColumn.of(field, options));
      layout.fields.add(field);
    }
    return layout;
  }

  /** Checks a field and those in it; gives their nodes in a batch. */
  private int visit(Field field, int depth, short version) {
    int name = field.nameAsByteBuffer() == null ? 0 : field.nameAsByteBuffer().remaining();
    budget -= Integer.BYTES + (long) name;
    if (budget < 0 || depth > MAX_DEPTH) {
      throw new DataException(
          depth > MAX_DEPTH
              ? "columns nest deeper than %d".formatted(MAX_DEPTH)
              : "its columns take more than the bytes that describe them");
    }
    if (field.typeType() == Type.Union && version < MetadataVersion.V5) {
      throw new DataException("it has a union as Arrow wrote them before 1.0, which are not read");
    }
    int below = 0;
    for (int i = 0; i < field.childrenLength(); i++) {
      below += visit(field.children(i), depth + 1, version);
    }
    return field.dictionary() != null ? 1 : 1 + below;
  }

  /** Finds where each column of a batch begins; DataException if the batch is not of the schema. */
  List<Place> places(RecordBatch batch) {
    if (batch.nodesLength() != nodes) {
      throw new DataException(
          "a batch describes %,d columns, and the schema %,d"
              .formatted(batch.nodesLength(), nodes));
    }
    List<Place> places = new ArrayList<>(fields.size());
    Cursor cursor = new Cursor(batch);
    for (Field field : fields) {
      places.add(new Place(cursor.node, cursor.buffer));
      cursor.pass(field);
    }
    if (cursor.buffer != batch.buffersLength()) {
      throw new DataException(
          "a batch has %,d buffers, and its columns take %,d"
              .formatted(batch.buffersLength(), cursor.buffer));
    }
    return places;
  }

  private static final class Cursor {
    private final RecordBatch batch;
    private int node;
    private int buffer;
    private int variadic;

    Cursor(RecordBatch batch) {
      this.batch = batch;
    }

    void pass(Field field) {
      node++;
      if (field.dictionary() != null) {
        buffer += 2; // the indices, instead of the values and their children
        return;
      }
      buffer += buffers(field);
      if (field.typeType() == Type.BinaryView || field.typeType() == Type.Utf8View) {
        long more = batch.variadicBufferCounts(variadic++);
        if (more < 0 || more > batch.buffersLength()) {
          throw new DataException("a column of %,d buffers".formatted(more));
        }
        buffer = Math.addExact(buffer, (int) more);
      }
      for (int i = 0; i < field.childrenLength(); i++) {
        pass(field.children(i));
      }
    }

    /** Those of Arrow 1.4, whose last type is LargeListView. */
    private static int buffers(Field field) {
      return switch (field.typeType()) {
        case Type.Null, Type.RunEndEncoded -> 0;
        case Type.Struct_, Type.FixedSizeList -> 1;
        case Type.Union -> ((Union) field.type(new Union())).mode() == UnionMode.Dense ? 2 : 1;
        case Type.Binary, Type.Utf8, Type.LargeBinary, Type.LargeUtf8 -> 3;
        case Type.ListView, Type.LargeListView -> 3;
        default -> {
          if (field.typeType() <= Type.NONE || field.typeType() > Type.LargeListView) {
            throw new DataException("a column of the unknown type %d".formatted(field.typeType()));
          }
          yield 2;
        }
      };
    }
  }
}
