package dev.panagrad.safetensors;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;

/** CRC-32C of a tensor's bytes, which finds every damage of up to 32 bits in a row. */
final class Checksum {
  /** Before the tensor's name in the metadata. */
  static final String KEY = "crc32c.";

  /** Of the header: all texts but this one, and where each tensor is. */
  static final String HEADER = "crc32c.__header__";

  private static final long CHUNK_BYTES = 1L << 28;

  private Checksum() {}

  /** Of texts and places, in the order of their names. */
  static String of(Map<String, String> texts, Map<String, SafetensorsFile.Entry> entries) {
    CRC32C sum = new CRC32C();
    new TreeMap<>(texts)
        .forEach(
            (key, value) -> {
              if (!key.equals(HEADER)) {
                add(sum, key);
                add(sum, value);
              }
            });
    new TreeMap<>(entries)
        .forEach(
            (name, entry) -> {
              add(sum, name);
              add(sum, entry.toString());
            });
    return "%08x".formatted(sum.getValue());
  }

  /** Each with its end, so that no two lists of texts look the same. */
  private static void add(CRC32C sum, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    sum.update(bytes, 0, bytes.length);
    sum.update(0xFF);
  }

  /** Eight hexadecimal digits. */
  static String of(Tensor tensor) {
    CRC32C sum = new CRC32C();
    long rows = tensor.isContiguous() ? 1 : tensor.rows();
    long rowBytes = tensor.shape().bytes(tensor.dtype()) / Math.max(rows, 1);
    long pitch = tensor.isContiguous() ? 0 : tensor.rowStride() * tensor.dtype().bytes();
    for (long row = 0; row < rows; row++) {
      MemorySegment all = tensor.segment().asSlice(tensor.byteOffset() + row * pitch, rowBytes);
      for (long done = 0; done < rowBytes; done += CHUNK_BYTES) {
        sum.update(all.asSlice(done, Math.min(CHUNK_BYTES, rowBytes - done)).asByteBuffer());
      }
    }
    return "%08x".formatted(sum.getValue());
  }
}
