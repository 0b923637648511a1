package dev.panagrad.data.parquet;

import dev.hardwood.metadata.ColumnChunk;
import dev.hardwood.metadata.ColumnMetaData;
import dev.hardwood.metadata.CompressionCodec;
import dev.hardwood.metadata.PhysicalType;
import dev.hardwood.metadata.RowGroup;
import dev.hardwood.schema.ColumnSchema;
import dev.panagrad.data.DataException;
import dev.panagrad.data.parquet.ThriftReader.MalformedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * Walks the page headers of a column before a reader does: that pages lie inside their column, have
 * as many values as the row group has rows, and are no larger than a part of the heap. What a page
 * says of its size is allocated before a byte of it is read. Source of the field numbers:
 * parquet-format 2.11.0, parquet.thrift.
 */
final class ParquetPages {
  // Headers are looked for in so many bytes first; statistics can make them longer.
  private static final int HEADER_BYTES = 1024;

  private static final int MAX_HEADER_BYTES = 1 << 20;
  private static final int DATA_PAGE = 0;
  private static final int INDEX_PAGE = 1;
  private static final int DICTIONARY_PAGE = 2;
  private static final int DATA_PAGE_V2 = 3;
  private static final int V1 = 5; // fields of a page header that are structs
  private static final int DICTIONARY = 7;
  private static final int V2 = 8;
  // What a page may take of the heap. The reader holds some twelve pages of a column at a time:
  // eight decoded, and one at each of four threads; each value of them with its level, compressed
  // bytes and their expansion.
  private static final long HEAP_PARTS = 32;
  // What a snappy or LZ4 byte, and a deflated one, expands to at most, rounded up.
  private static final long SNAPPY_EXPANSION = 64;

  private static final long LZ4_EXPANSION = 256;
  private static final long DEFLATE_EXPANSION = 1040;

  private final ParquetInput file;
  private final ColumnSchema column;
  private final long maxPageBytes = Runtime.getRuntime().maxMemory() / HEAP_PARTS;
  private long rowBytes = Double.BYTES;

  private ParquetPages(ParquetInput file, ColumnSchema column) {
    this.file = file;
    this.column = column;
  }

  /**
   * Checks every page of a column that is neither nested nor repeated; gives the bytes that a row
   * of it takes unpacked, at most, beside two pages: an entry of a dictionary may be in every row.
   */
  static long check(ParquetInput file, List<RowGroup> groups, ColumnSchema column)
      throws IOException {
    ParquetPages pages = new ParquetPages(file, column);
    long bytes = 0;
    for (int g = 0; g < groups.size(); g++) {
      bytes += pages.chunk(groups.get(g), g);
      if (bytes > file.length()) {
        throw new DataException(
            "column '%s': its row groups share bytes, up to group %,d".formatted(pages.name(), g));
      }
    }
    return pages.rowBytes;
  }

  private String name() {
    return ParquetFooter.name(column.name());
  }

  /** Bytes of a column in a row group, checked. */
  private long chunk(RowGroup group, int g) throws IOException {
    int index = column.columnIndex();
    ColumnChunk chunk = index < group.columns().size() ? group.columns().get(index) : null;
    ColumnMetaData meta = chunk == null ? null : chunk.metaData();
    if (meta == null
        || meta.codec() == null
        || meta.type() != column.type()
        || !meta.pathInSchema().equals(column.fieldPath())) {
      throw new DataException(
          "row group %,d does not have the column '%s' of the schema".formatted(g, name()));
    }
    long begin = chunk.chunkStartOffset();
    long length = meta.totalCompressedSize();
    if (begin < 0 || length < 0 || length > Integer.MAX_VALUE || begin > file.columnsEnd - length) {
      throw new DataException(
          "column '%s' is said to have %,d bytes from byte %,d in row group %,d, and columns end at byte %,d"
              .formatted(name(), length, begin, g, file.columnsEnd));
    }
    if (meta.numValues() != group.numRows()) {
      throw new DataException(
          "column '%s' has %,d values in row group %,d of %,d rows"
              .formatted(name(), meta.numValues(), g, group.numRows()));
    }
    long values = 0;
    long at = begin;
    while (at < begin + length && values < meta.numValues()) {
      Header header = header(at, begin + length - at);
      if (header.size < 0 || header.size > begin + length - at - header.headerBytes) {
        throw broken(
            at, "a page of %,d bytes, beyond the %,d of its column".formatted(header.size, length));
      }
      values += header.check(at, meta.codec());
      at += header.headerBytes + header.size;
    }
    if (values != meta.numValues()) {
      throw broken(
          at,
          "the pages of row group %,d have %,d values, and %,d are announced"
              .formatted(g, values, meta.numValues()));
    }
    return length;
  }

  private DataException broken(long at, String what) {
    return new DataException("column '%s', byte %,d: %s".formatted(name(), at, what));
  }

  private Header header(long at, long available) throws IOException {
    int bytes = (int) Math.min(HEADER_BYTES, available);
    while (true) {
      try {
        ThriftReader in = new ThriftReader(file.readRange(at, bytes));
        Header header = new Header();
        header.read(in, 0);
        header.headerBytes = in.position();
        return header;
      } catch (MalformedException e) {
        // Its end may be beyond what was looked at.
        int most = (int) Math.min(MAX_HEADER_BYTES, available);
        if (bytes >= most) {
          throw broken(at, "no page header of up to %,d bytes: %s".formatted(most, e.getMessage()));
        }
        bytes = (int) Math.min(bytes * 8L, most);
      }
    }
  }

  private final class Header {
    int headerBytes;
    int type = -1;
    int uncompressed = -1;
    int size = -1;
    int values = -1;
    int levelBytes;
    boolean compressed = true;

    /** Reads a header (parent 0), or the header in it of the page's own kind. */
    void read(ThriftReader in, int parent) throws MalformedException {
      int id = 0;
      int field;
      while ((field = in.readField(id)) != 0) {
        id = field >>> 4;
        int wire = field & 0xF;
        boolean own = parent == 0 && (id == V1 || id == DICTIONARY || id == V2);
        if (own && wire == ThriftReader.STRUCT) {
          read(in, id);
        } else if (wire == ThriftReader.I32) {
          number(parent, id, in.readI32());
        } else if (wire == ThriftReader.LIST || wire == ThriftReader.SET) {
          throw new MalformedException("field %d is a list".formatted(id));
        } else {
          if (parent == V2 && id == 7 && wire == ThriftReader.FALSE) {
            compressed = false;
          }
          in.skip(wire, 0);
        }
      }
    }

    private void number(int parent, int id, int value) throws MalformedException {
      if (parent == 0 && id == 1) {
        type = value;
      } else if (parent == 0 && id == 2) {
        uncompressed = value;
      } else if (parent == 0 && id == 3) {
        size = value;
      } else if (parent == kind() && id == 1) {
        values = value;
      } else if (parent == V2 && kind() == V2 && (id == 5 || id == 6)) {
        if (value < 0 || levelBytes > Integer.MAX_VALUE - value) {
          throw new MalformedException("levels of %d bytes".formatted(value));
        }
        levelBytes += value;
      }
    }

    /** The field with the header of this kind of page. */
    private int kind() {
      return switch (type) {
        case DATA_PAGE -> V1;
        case DICTIONARY_PAGE -> DICTIONARY;
        case DATA_PAGE_V2 -> V2;
        default -> -1;
      };
    }

    /** Values of rows in the page, whose header is at that byte. */
    int check(long at, CompressionCodec codec) throws IOException {
      if (type < DATA_PAGE || type > DATA_PAGE_V2) {
        throw broken(at, "a page of type %d".formatted(type));
      }
      if (type == INDEX_PAGE) {
        return 0;
      }
      if (uncompressed < 0 || values < 0 || levelBytes > Math.min(uncompressed, size)) {
        throw broken(
            at,
            "a page of %d values in %d bytes, of which %d are levels"
                .formatted(values, uncompressed, levelBytes));
      }
      long bytes = Math.max(uncompressed, values * 12L);
      if (bytes > maxPageBytes) {
        throw broken(
            at,
            "a page of %,d values in %,d bytes takes more than 1/%d of the heap of %,d bytes; start java with a larger -Xmx"
                .formatted(values, uncompressed, HEAP_PARTS, Runtime.getRuntime().maxMemory()));
      }
      if (compressed) {
        expansion(at, codec);
      } else if (size != uncompressed) {
        throw broken(
            at,
            "%,d bytes that are said not to be compressed, and to be %,d uncompressed; write the file again with Arrow 3 or later"
                .formatted(size, uncompressed));
      }
      if (column.type() == PhysicalType.BYTE_ARRAY) {
        int among = type == DICTIONARY_PAGE ? 1 : Math.max(1, values);
        rowBytes = Math.max(rowBytes, uncompressed / among + Integer.BYTES);
      }
      return type == DICTIONARY_PAGE ? 0 : values;
    }

    private void expansion(long at, CompressionCodec codec) throws IOException {
      long packed = (long) size - levelBytes;
      long unpacked = (long) uncompressed - levelBytes;
      boolean possible =
          switch (codec) {
            case UNCOMPRESSED -> packed == unpacked;
            case SNAPPY -> unpacked <= packed * SNAPPY_EXPANSION && snappyLength(at) == unpacked;
            case LZ4, LZ4_RAW -> unpacked <= packed * LZ4_EXPANSION;
            case GZIP -> unpacked <= packed * DEFLATE_EXPANSION;
            default -> true;
          };
      if (!possible && packed + unpacked > 0) {
        throw broken(at, "%,d bytes of %s cannot unpack to %,d".formatted(packed, codec, unpacked));
      }
    }

    /** The length that snappy's data begins with, which it writes, whatever room it has. */
    private long snappyLength(long at) throws IOException {
      ByteBuffer data = file.readRange(at + headerBytes + levelBytes, size - levelBytes);
      long length = 0;
      for (int shift = 0; data.hasRemaining() && shift < Integer.SIZE; shift += 7) {
        long b = data.get() & 0xFF;
        length |= (b & 0x7F) << shift;
        if (b < 0x80) {
          return length;
        }
      }
      return -1;
    }
  }
}
