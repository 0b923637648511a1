package dev.panagrad.safetensors;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** CRC-32C of a tensor's bytes, which finds every damage of up to 32 bits in a row. */
final class Checksum {
  static final String KEY = "crc32c."; // before the tensor's name in the metadata
  // Of the header: all texts but this one, and where each tensor is.
  static final String HEADER = "crc32c.__header__";
  private static final long CHUNK_BYTES = 1L << 28; // a buffer holds less than 2 GiB
  private static final int TEXT_CHUNK_BYTES = 8192;

  private Checksum() {}

  /** The sum of texts and places, in the order of their names. */
  static String of(Map<String, String> texts, Map<String, TensorPlace> entries) {
    CRC32C sum = new CRC32C();
    CharsetEncoder encoder =
        StandardCharsets.UTF_8
            .newEncoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    ByteBuffer chunk = ByteBuffer.allocate(TEXT_CHUNK_BYTES);
    new TreeMap<>(texts)
        .forEach(
            (key, value) -> {
              if (!key.equals(HEADER)) {
                add(sum, encoder, chunk, key);
                add(sum, encoder, chunk, value);
              }
            });
    new TreeMap<>(entries)
        .forEach(
            (name, entry) -> {
              add(sum, encoder, chunk, name);
              add(sum, encoder, chunk, text(entry));
            });
    return format(sum);
  }

  /** A place as a text, of which the sums of older files are. */
  private static String text(TensorPlace place) {
    return "Entry[dtype=%s, extents=%s, begin=%s, end=%s]"
        .formatted(place.dtype(), place.extents(), place.begin(), place.end());
  }

  /** Adds a text with its end, so that no two lists of texts look the same. */
  private static void add(CRC32C sum, CharsetEncoder encoder, ByteBuffer chunk, String text) {
    CharBuffer characters = CharBuffer.wrap(text);
    encoder.reset();
    CoderResult result = CoderResult.OVERFLOW;
    while (result.isOverflow()) {
      chunk.clear();
      result = encoder.encode(characters, chunk, true);
      sum.update(chunk.flip());
    }
    sum.update(0xFF);
  }

  static String format(CRC32C sum) {
    return "%08x".formatted(sum.getValue());
  }

  /** The sum of a tensor in memory, which no file is mapped to that others may cut short. */
  static String of(Tensor tensor) {
    CRC32C sum = new CRC32C();
    forEach(tensor, part -> sum.update(part.asByteBuffer()));
    return format(sum);
  }

  @FunctionalInterface
  interface Part<E extends Exception> {
    void take(MemorySegment bytes) throws E;
  }

  /** Visits the bytes of a tensor, which may be a view, in parts that fit into a buffer. */
  static <E extends Exception> void forEach(Tensor tensor, Part<E> visitor) throws E {
    long rows = tensor.isContiguous() ? 1 : tensor.rows();
    long rowBytes = tensor.shape().bytes(tensor.dtype()) / Math.max(rows, 1);
    long pitch = tensor.isContiguous() ? 0 : tensor.rowStride() * tensor.dtype().bytes();
    for (long row = 0; row < rows; row++) {
      MemorySegment all = tensor.segment().asSlice(tensor.byteOffset() + row * pitch, rowBytes);
      for (long done = 0; done < rowBytes; done += CHUNK_BYTES) {
        visitor.take(all.asSlice(done, Math.min(CHUNK_BYTES, rowBytes - done)));
      }
    }
  }
}
