package dev.panagrad.data.arrow;

import dev.panagrad.data.DataException;
import dev.panagrad.data.file.HeapShare;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.arrow.flatbuf.Block;
import org.apache.arrow.flatbuf.DictionaryBatch;
import org.apache.arrow.flatbuf.Footer;
import org.apache.arrow.flatbuf.Message;
import org.apache.arrow.flatbuf.MessageHeader;
import org.apache.arrow.flatbuf.MetadataVersion;
import org.apache.arrow.flatbuf.RecordBatch;
import org.apache.arrow.flatbuf.Schema;

/**
 * Finds the messages of an Arrow file or stream: the schema, and where each batch of rows is. No
 * length is believed beyond the bytes that are there.
 *
 * <pre>
 *   message | -1 : I32 | length : I32 | metadata, a flatbuffer | body |    without -1 before 0.15
 *   stream  | schema message | batch message | ... | -1 | 0 |
 *   file    | ARROW1 | 0 0 | stream ... | footer, a flatbuffer | its length : I32 | ARROW1 |
 * </pre>
 *
 * Source: Arrow columnar format 1.5, serialization and interprocess communication.
 */
final class ArrowMessages {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final byte[] MAGIC = "ARROW1".getBytes(StandardCharsets.US_ASCII);
  private static final int STREAM_BEGIN = 8; // magic and what pads it
  private static final int TAIL_BYTES = Integer.BYTES + 6;
  // On the heap, beside the bytes: measured with 120,000 columns, and with 60,000 batches.
  private static final int COLUMN_BYTES = 210;
  private static final int MESSAGE_BYTES = 150;

  private final MemorySegment file;
  private final long size;
  final HeapShare heap = new HeapShare();
  Schema schema;
  short version; // of the metadata
  final List<Batch> batches = new ArrayList<>(); // in the order of rows
  final Map<Long, List<Batch>> dictionaries = new HashMap<>(); // their parts, by number
  final Set<Long> replaced = new HashSet<>(); // dictionaries that are others for later rows

  /** Rows that were written together: where their message begins, itself, and its body. */
  record Batch(long at, ByteBuffer metadata, MemorySegment body) {
    RecordBatch header() {
      Message message = Message.getRootAsMessage(metadata.duplicate());
      return message.headerType() == MessageHeader.DictionaryBatch
          ? ((DictionaryBatch) message.header(new DictionaryBatch())).data()
          : (RecordBatch) message.header(new RecordBatch());
    }
  }

  private ArrowMessages(MemorySegment file) {
    this.file = file;
    this.size = file.byteSize();
  }

  /** Finds all messages; a DataException with the byte where something else is. */
  static ArrowMessages of(MemorySegment file) {
    ArrowMessages messages = new ArrowMessages(file);
    if (messages.isMagic(0)) {
      messages.file();
    } else {
      messages.stream();
    }
    if (messages.schema == null) {
      throw new DataException("it has no schema; it is no Arrow file or stream, or was cut short");
    }
    messages.heap.take((long) COLUMN_BYTES * messages.schema.fieldsLength());
    return messages;
  }

  private boolean isMagic(long at) {
    return at >= 0
        && at <= size - MAGIC.length
        && file.asSlice(at, MAGIC.length).asByteBuffer().equals(ByteBuffer.wrap(MAGIC));
  }

  private ByteBuffer bytes(long at, long length) {
    heap.take(MESSAGE_BYTES + length);
    // A copy, on the heap: flatbuffers are read field by field, from wherever offsets lead.
    byte[] copy = new byte[(int) length];
    MemorySegment.copy(file, ValueLayout.JAVA_BYTE, at, copy, 0, copy.length);
    return ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
  }

  private void file() {
    if (!isMagic(size - MAGIC.length) || size < STREAM_BEGIN + TAIL_BYTES) {
      throw new DataException(
          "it does not end with ARROW1, as it begins; it was cut short, or is still written");
    }
    long length = file.get(INT, size - TAIL_BYTES);
    if (length < 0 || length > size - TAIL_BYTES - STREAM_BEGIN) {
      throw broken(
          size - TAIL_BYTES, "a footer of %,d bytes in a file of %,d".formatted(length, size));
    }
    long end = size - TAIL_BYTES - length;
    try {
      Footer footer = Footer.getRootAsFooter(bytes(end, length));
      schema = footer.schema();
      version = readable(footer.version());
      long taken = 0;
      int dictionaryBlocks = footer.dictionariesLength();
      for (int i = 0; i < dictionaryBlocks + footer.recordBatchesLength(); i++) {
        Block block =
            i < dictionaryBlocks
                ? footer.dictionaries(i)
                : footer.recordBatches(i - dictionaryBlocks);
        long at = block.offset();
        long metadata = block.metaDataLength();
        long body = block.bodyLength();
        if (at < 0
            || metadata < 0
            || body < 0
            || at > end
            || metadata > end
            || body > end
            || at + metadata + body > end) {
          throw broken(
              at, "batch %,d of %,d + %,d bytes, beyond %,d".formatted(i, metadata, body, end));
        }
        taken += metadata + body;
        if (taken > size) {
          throw broken(at, "batch %,d shares its bytes with others".formatted(i));
        }
        batch(at, metadata, body);
      }
    } catch (IndexOutOfBoundsException | IllegalArgumentException | NullPointerException e) {
      throw notFlat(end, e);
    }
  }

  private void batch(long at, long metadata, long body) {
    int prefix = metadata >= 8 && file.get(INT, at) == -1 ? 8 : 4;
    if (metadata <= prefix) {
      throw broken(at, "a message of %,d bytes".formatted(metadata));
    }
    long length = file.get(INT, at + prefix - Integer.BYTES);
    if (length <= 0 || length > metadata - prefix) {
      throw broken(at, "a message of %,d bytes, and %,d are announced".formatted(length, metadata));
    }
    message(at, bytes(at + prefix, length), at + metadata, at + metadata + body);
  }

  private void stream() {
    long at = 0;
    while (at <= size - Integer.BYTES) {
      long begin = at;
      int length = file.get(INT, at);
      at += Integer.BYTES;
      if (length == -1) {
        if (at > size - Integer.BYTES) {
          throw broken(begin, "a message without a length");
        }
        length = file.get(INT, at);
        at += Integer.BYTES;
      }
      if (length == 0) {
        return;
      }
      if (length < 0 || length > size - at) {
        throw broken(
            begin, "a message of %,d bytes, and %,d are left".formatted(length, size - at));
      }
      try {
        at += length;
        at += message(begin, bytes(at - length, length), at, size);
      } catch (IndexOutOfBoundsException | IllegalArgumentException | NullPointerException e) {
        throw notFlat(begin, e);
      }
    }
    if (at != size) {
      throw broken(at, "%,d bytes, too few for a message".formatted(size - at));
    }
  }

  /** Takes a message; gives the length of its body. */
  private long message(long begin, ByteBuffer metadata, long bodyBegin, long bodyEnd) {
    Message message = Message.getRootAsMessage(metadata.duplicate());
    long body = message.bodyLength();
    if (body < 0 || body > bodyEnd - bodyBegin) {
      throw broken(
          begin,
          "a message with a body of %,d bytes, and %,d are left"
              .formatted(body, bodyEnd - bodyBegin));
    }
    switch (message.headerType()) {
      case MessageHeader.Schema -> {
        if (schema != null) {
          throw broken(begin, "a second schema");
        }
        version = readable(message.version());
        schema = (Schema) message.header(new Schema());
      }
      case MessageHeader.RecordBatch -> {
        if (schema == null) {
          throw broken(begin, "rows before the schema");
        }
        batches.add(new Batch(begin, metadata, file.asSlice(bodyBegin, body)));
      }
      case MessageHeader.DictionaryBatch ->
          dictionary(message, new Batch(begin, metadata, file.asSlice(bodyBegin, body)));
      default -> throw broken(begin, "a message of kind %d".formatted(message.headerType()));
    }
    return body;
  }

  private void dictionary(Message message, Batch batch) {
    DictionaryBatch header = (DictionaryBatch) message.header(new DictionaryBatch());
    List<Batch> parts = dictionaries.computeIfAbsent(header.id(), id -> new ArrayList<>());
    if (!parts.isEmpty() && !header.isDelta()) {
      replaced.add(header.id());
    }
    parts.add(batch);
  }

  private static short readable(short version) {
    if (version != MetadataVersion.V4 && version != MetadataVersion.V5) {
      throw new DataException(
          "it has metadata of version %d; 4 and 5, of Arrow 0.8 and later, are read"
              .formatted(version + 1));
    }
    return version;
  }

  private static DataException broken(long at, String what) {
    return new DataException("byte %,d: %s".formatted(at, what));
  }

  private static DataException notFlat(long at, RuntimeException e) {
    return new DataException(
        "byte %,d: what describes the columns is not what the format says (%s)"
            .formatted(at, e.getMessage()),
        e);
  }
}
