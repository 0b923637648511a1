package dev.panagrad.safetensors;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A safetensors file whose header has been read and checked. Tensors are mapped when they are asked
 * for: without a copy, and read-only.
 */
public final class SafetensorsFile {
  static final String METADATA = "__metadata__";

  /** What the reference implementation reads at most. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  private final Path file;
  private final long dataStart;
  private final Map<String, String> metadata;
  private final Map<String, Entry> entries;

  /**
   * A tensor's place.
   *
   * @param dtype as the file names it
   * @param extents of its shape
   * @param begin first byte, from the first of all tensors
   * @param end byte after the last
   */
  record Entry(String dtype, List<Long> extents, long begin, long end) {}

  private SafetensorsFile(Path file, long dataStart, HeaderParser header) {
    this.file = file;
    this.dataStart = dataStart;
    metadata = Collections.unmodifiableMap(header.metadata);
    entries = new LinkedHashMap<>(header.entries);
  }

  /**
   * Reads the header.
   *
   * @throws SafetensorsException if the file is not what the format says
   */
  public static SafetensorsFile open(Path file) throws IOException {
    SafetensorsWriter.requireNative();
    if (Files.isDirectory(file)) {
      throw new IOException("'" + file + "' is a directory; name a safetensors file");
    }
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < Long.BYTES) {
        throw new SafetensorsException(
            file,
            0,
            "the file has %,d bytes, and the header's length alone takes 8".formatted(size));
      }
      long length = read(file, channel, 0, Long.BYTES).getLong();
      if (length < 2 || length > Math.min(size - Long.BYTES, MAX_HEADER_BYTES)) {
        throw new SafetensorsException(
            file,
            0,
            "the header is said to have %s bytes, and %,d are left in the file; at most %,d are read"
                .formatted(Long.toUnsignedString(length), size - Long.BYTES, MAX_HEADER_BYTES));
      }
      byte[] header = read(file, channel, Long.BYTES, (int) length).array();
      long dataStart = Long.BYTES + length;
      HeaderParser parser = new HeaderParser(file, size - dataStart);
      parser.parse(header);
      return new SafetensorsFile(file, dataStart, parser);
    } catch (NoSuchFileException e) {
      throw new IOException("there is no file '" + file + "'", e);
    }
  }

  private static ByteBuffer read(Path file, FileChannel channel, long from, int bytes)
      throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    while (buffer.hasRemaining()) {
      if (channel.read(buffer, from + buffer.position()) < 0) {
        throw new SafetensorsException(
            file, from + buffer.position(), "the file ended while it was read");
      }
    }
    return buffer.flip();
  }

  /** Texts by name. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Names of the tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  /**
   * For files that {@link SafetensorsWriter} wrote: requires that texts and places are those that
   * were written, and that each tensor has its sum.
   *
   * @throws SafetensorsException if they are not
   */
  public void requireIntactHeader() throws IOException {
    String found = Checksum.of(metadata, entries);
    String written = metadata.get(Checksum.HEADER);
    if (!found.equals(written)) {
      throw new SafetensorsException(
          file,
          Long.BYTES,
          "the header is damaged: it has the CRC-32C %s, and %s was written"
              .formatted(found, written == null ? "none" : written));
    }
    for (String name : entries.keySet()) {
      if (!metadata.containsKey(Checksum.KEY + name)) {
        throw new SafetensorsException(file, Long.BYTES, "a tensor has no CRC-32C");
      }
    }
  }

  /**
   * Reads a mapped tensor's bytes once and compares them with the sum that {@link
   * SafetensorsWriter} left in the metadata, if there is one.
   *
   * @throws SafetensorsException if they are not those that were written
   */
  public void requireIntact(Tensor mapped) throws IOException {
    if (!entries.containsKey(mapped.name())) {
      throw new IllegalArgumentException("there is no tensor '" + mapped.name() + "' in the file");
    }
    String written = metadata.get(Checksum.KEY + mapped.name());
    String found = Checksum.of(mapped);
    if (written != null && !written.equals(found)) {
      throw new SafetensorsException(
          file,
          dataStart + entries.get(mapped.name()).begin(),
          "tensor '%s' is damaged: its bytes have the CRC-32C %s, and %s was written"
              .formatted(mapped.name(), found, written));
    }
  }

  /**
   * Maps a tensor: no copy, read-only, for as long as the arena is open. The file must not be made
   * shorter meanwhile, which ends the process that reads it; one that is replaced stays what it
   * was.
   *
   * @throws SafetensorsException if there is none of that name, its element type is not F32, F64,
   *     I64, BF16 or U8, or it does not lie at a multiple of its element size
   */
  public Tensor map(TensorArena arena, String name) throws IOException {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new SafetensorsException(
          file, Long.BYTES, "there is no tensor '%s'; there are %s".formatted(name, names()));
    }
    DType dtype =
        switch (entry.dtype()) {
          case "F32" -> DType.F32;
          case "F64" -> DType.F64;
          case "I64" -> DType.I64;
          case "BF16" -> DType.BF16;
          case "U8" -> DType.U8;
          default ->
              throw new SafetensorsException(
                  file,
                  dataStart + entry.begin(),
                  "tensor '%s' is %s; F32, F64, I64, BF16 and U8 are read"
                      .formatted(name, entry.dtype()));
        };
    long offset = dataStart + entry.begin();
    if (offset % dtype.bytes() != 0) {
      throw new SafetensorsException(
          file,
          offset,
          "tensor '%s' is not at a multiple of %d bytes, and cannot be mapped"
              .formatted(name, dtype.bytes()));
    }
    // A number without a shape is a vector of one.
    long[] extents =
        entry.extents().isEmpty()
            ? new long[] {1}
            : entry.extents().stream().mapToLong(Long::longValue).toArray();
    try {
      return arena.map(name, file, FileChannel.MapMode.READ_ONLY, offset, dtype, extents);
    } catch (IllegalArgumentException e) {
      throw new IOException("'" + file + "' changed while it was read: " + e.getMessage(), e);
    }
  }
}
