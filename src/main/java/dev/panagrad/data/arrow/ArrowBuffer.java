package dev.panagrad.data.arrow;

import com.github.luben.zstd.ZstdInputStream;
import dev.panagrad.data.DataException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import org.apache.arrow.flatbuf.CompressionType;
import org.apache.commons.compress.compressors.lz4.FramedLZ4CompressorInputStream;

/**
 * A buffer of a batch: where it is, or unpacked through a window, so that what it says of its size
 * is compared with what is needed and never allocated.
 *
 * <pre>
 *   compressed | unpacked bytes : I64, -1 if they follow as they are | LZ4 frame or Zstandard frame |
 * </pre>
 */
final class ArrowBuffer {
  static final byte PLAIN = -1; // as a codec: the bytes are as they are
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  // A multiple of every width, in bytes and in bits.
  private static final int WINDOW_BYTES = 1 << 16;
  // What a byte of LZ4 expands to at most, rounded up.
  private static final long LZ4_EXPANSION = 256;

  private final MemorySegment bytes;
  private final byte codec;
  private final long needed;
  private final long count;

  /** Takes the value of a row of the buffer, by its index in memory. */
  @FunctionalInterface
  interface Visitor {
    void visit(MemorySegment values, long index, long row) throws IOException;
  }

  private ArrowBuffer(MemorySegment bytes, byte codec, long needed, long count) {
    this.bytes = bytes;
    this.codec = codec;
    this.needed = needed;
    this.count = count;
  }

  /** A buffer of values of so many bits; throws if it is too short, as far as is known packed. */
  static ArrowBuffer of(MemorySegment buffer, byte codec, int bits, long count) {
    if (count > (Long.MAX_VALUE - Byte.SIZE) / bits) {
      throw new DataException("%,d values of %d bits are too many".formatted(count, bits));
    }
    long needed = (count * bits + Byte.SIZE - 1) / Byte.SIZE;
    MemorySegment bytes = buffer;
    byte used = codec;
    long there = buffer.byteSize();
    if (codec != PLAIN && (needed > 0 || there >= Long.BYTES)) {
      if (there < Long.BYTES) {
        throw new DataException("a compressed buffer of %,d bytes".formatted(there));
      }
      there = buffer.get(LONG, 0);
      bytes = buffer.asSlice(Long.BYTES);
      if (there == -1) {
        used = PLAIN;
        there = bytes.byteSize();
      } else if (codec == CompressionType.LZ4_FRAME && there > LZ4_EXPANSION * buffer.byteSize()) {
        throw new DataException(
            "%,d bytes of LZ4 cannot unpack to %,d".formatted(bytes.byteSize(), there));
      }
    }
    if (there < needed) {
      throw new DataException(
          "%,d values of %d bits take %,d bytes, and the buffer has %,d"
              .formatted(count, bits, needed, there));
    }
    return new ArrowBuffer(bytes, used, needed, count);
  }

  /** Visits all values, of that many bits, in order; a DataException if unpacking gives too few. */
  void forEach(int bits, Visitor visitor) throws IOException {
    if (codec == PLAIN) {
      for (long i = 0; i < count; i++) {
        visitor.visit(bytes, i, i);
      }
      return;
    }
    byte[] window = new byte[WINDOW_BYTES];
    long valuesInWindow = (long) WINDOW_BYTES * Byte.SIZE / bits;
    try (InputStream in = unpacked();
        Arena arena = Arena.ofConfined()) {
      MemorySegment values = arena.allocate(WINDOW_BYTES);
      long left = needed;
      for (long first = 0; first < count; first += valuesInWindow) {
        int length = in.readNBytes(window, 0, (int) Math.min(WINDOW_BYTES, left));
        left -= length;
        if (length < WINDOW_BYTES && left > 0) {
          throw new DataException(
              "a compressed buffer ends %,d bytes before its %,d".formatted(left, needed));
        }
        MemorySegment.copy(window, 0, values, ValueLayout.JAVA_BYTE, 0, length);
        long inWindow = Math.min(valuesInWindow, count - first);
        for (long i = 0; i < inWindow; i++) {
          visitor.visit(values, i, first + i);
        }
      }
    }
  }

  /** All bytes from the first on, also beyond those that are needed. */
  InputStream unpacked() throws IOException {
    try {
      return switch (codec) {
        case PLAIN -> new Bytes(bytes);
        case CompressionType.LZ4_FRAME -> Lz4.of(new Bytes(bytes));
        case CompressionType.ZSTD -> Zstandard.of(new Bytes(bytes));
        default -> throw new DataException("the unknown compression %d".formatted(codec));
      };
    } catch (NoClassDefFoundError e) {
      String library =
          codec == CompressionType.LZ4_FRAME
              ? "LZ4 needs the library org.apache.commons:commons-compress"
              : "Zstandard needs the library com.github.luben:zstd-jni";
      throw new DataException(library + ", which is not on the class path", e);
    }
  }

  // Classes of their own, so that a library is looked for only where it is needed.

  private static final class Lz4 {
    static InputStream of(InputStream packed) throws IOException {
      return new FramedLZ4CompressorInputStream(packed);
    }
  }

  private static final class Zstandard {
    static InputStream of(InputStream packed) throws IOException {
      return new ZstdInputStream(packed);
    }
  }

  private static final class Bytes extends InputStream {
    private final MemorySegment bytes;
    private long at;

    Bytes(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return at == bytes.byteSize() ? -1 : bytes.get(ValueLayout.JAVA_BYTE, at++) & 0xFF;
    }

    @Override
    public int read(byte[] into, int offset, int length) {
      int count = (int) Math.min(length, bytes.byteSize() - at);
      if (count == 0) {
        return length == 0 ? 0 : -1;
      }
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, into, offset, count);
      at += count;
      return count;
    }
  }
}
