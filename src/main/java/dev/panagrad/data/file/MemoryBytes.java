package dev.panagrad.data.file;

import dev.panagrad.data.DataException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * What a stream gives once, kept in native memory so that it can be read again. Ownership: the
 * memory is freed by {@link #close}. Threading: the thread that made it.
 */
public final class MemoryBytes implements AutoCloseable {
  private static final int PART_BYTES = 1 << 20;

  private final Arena arena = Arena.ofConfined();
  private final List<MemorySegment> parts = new ArrayList<>();
  private long size;

  private MemoryBytes() {}

  /** Reads a stream to its end; a DataException if it gives more bytes than that. */
  public static MemoryBytes of(String name, InputStream in, long most) throws IOException {
    MemoryBytes bytes = new MemoryBytes();
    boolean complete = false;
    try {
      for (byte[] part = in.readNBytes(PART_BYTES);
          part.length > 0;
          part = in.readNBytes(PART_BYTES)) {
        bytes.size += part.length;
        if (bytes.size > most) {
          throw new DataException(
              "%s: more than %,d bytes, which is what is kept of data that come once and are read twice; write them to a file first"
                  .formatted(name, most));
        }
        MemorySegment segment = bytes.arena.allocate(part.length);
        MemorySegment.copy(part, 0, segment, ValueLayout.JAVA_BYTE, 0, part.length);
        bytes.parts.add(segment);
      }
      complete = true;
      return bytes;
    } finally {
      if (!complete) {
        bytes.close();
      }
    }
  }

  public long size() {
    return size;
  }

  /** The bytes from the first on. */
  public InputStream open() {
    return new InputStream() {
      private int part;
      private int at;

      @Override
      public int read() {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xFF;
      }

      @Override
      public int read(byte[] into, int offset, int length) {
        if (part == parts.size()) {
          return length == 0 ? 0 : -1;
        }
        MemorySegment from = parts.get(part);
        int count = (int) Math.min(length, from.byteSize() - at);
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at, into, offset, count);
        at += count;
        if (at == from.byteSize()) {
          part++;
          at = 0;
        }
        return count;
      }
    };
  }

  @Override
  public void close() {
    arena.close();
  }
}
