package dev.panagrad.safetensors;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
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
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Opens a safetensors file and checks its header. It stays open, so that header and tensors are of
 * one file, also if another one takes its name. Tensors are read, which takes memory for them and
 * notices a file that is cut short or changed meanwhile, or mapped, which does neither. Threading:
 * any thread may read; a thread that is interrupted while it reads closes the file.
 */
public final class SafetensorsFile implements AutoCloseable {
  static final String METADATA = "__metadata__";
  // What the reference implementation reads at most.
  static final long MAX_HEADER_BYTES = 100_000_000;

  private final Path file;
  private final FileChannel channel;
  private final long dataStart;
  private final Map<String, String> metadata;
  private final Map<String, TensorPlace> entries;

  private SafetensorsFile(Path file, FileChannel channel, long dataStart, HeaderParser header) {
    this.file = file;
    this.channel = channel;
    this.dataStart = dataStart;
    metadata = Collections.unmodifiableMap(header.metadata);
    entries = header.entries;
  }

  /**
   * Opens a regular file and reads its header. Memory: twice the header while it is read, four
   * times more if it has other than Latin letters; then its texts and some 200 bytes for each name;
   * a quarter of the heap at most.
   *
   * @throws SafetensorsException if the file is not what the format says, or its header takes more
   */
  public static SafetensorsFile open(Path file) throws IOException {
    SafetensorsWriter.requireNative();
    FileChannel channel = channel(file);
    try {
      return open(file, channel);
    } catch (IOException | RuntimeException | Error e) {
      try {
        channel.close();
      } catch (IOException close) {
        e.addSuppressed(close);
      }
      throw e;
    }
  }

  private static FileChannel channel(Path file) throws IOException {
    BasicFileAttributes found;
    try {
      found = Files.readAttributes(file, BasicFileAttributes.class);
      // Looked at before it is opened: a pipe would wait for a writer.
      if (found.isRegularFile()) {
        return FileChannel.open(file, StandardOpenOption.READ);
      }
    } catch (NoSuchFileException e) {
      throw new IOException("there is no file '" + Excerpt.of(file) + "'", e);
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
    String kind = found.isDirectory() ? "a directory" : "a pipe or device, not a regular file";
    throw new IOException("'%s' is %s; name a safetensors file".formatted(Excerpt.of(file), kind));
  }

  private static IOException cannotRead(Path file, IOException e) {
    return new IOException("cannot read '%s': %s".formatted(Excerpt.of(file), IoReason.of(e)), e);
  }

  private static SafetensorsFile open(Path file, FileChannel channel) throws IOException {
    long size;
    try {
      size = channel.size();
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
    if (size < Long.BYTES) {
      throw new SafetensorsException(
          file, 0, "the file has %,d bytes, and the header's length alone takes 8".formatted(size));
    }
    byte[] prefix = read(file, channel, 0, Long.BYTES);
    long length = ByteBuffer.wrap(prefix).order(ByteOrder.LITTLE_ENDIAN).getLong();
    if (length < 2 || length > Math.min(size - Long.BYTES, MAX_HEADER_BYTES)) {
      throw new SafetensorsException(
          file,
          0,
          "the header is said to have %s bytes, and %,d are left in the file; at most %,d are read"
              .formatted(Long.toUnsignedString(length), size - Long.BYTES, MAX_HEADER_BYTES));
    }
    if (length > JsonScanner.mostBytes()) {
      String problem = new JsonScanner.TooLargeException(0).getMessage();
      throw new SafetensorsException(
          file, 0, "the header has %,d bytes: %s".formatted(length, problem));
    }
    long dataStart = Long.BYTES + length;
    HeaderParser parser = new HeaderParser(file, size - dataStart);
    parser.parse(read(file, channel, Long.BYTES, (int) length));
    return new SafetensorsFile(file, channel, dataStart, parser);
  }

  /** Reads by parts: the JDK copies each through native memory, and keeps that. */
  private static byte[] read(Path file, FileChannel channel, long from, int bytes)
      throws IOException {
    ByteBuffer all = ByteBuffer.allocate(bytes);
    for (int done = 0; done < bytes; done = all.position()) {
      all.limit(Math.min(bytes, done + TensorInput.CHUNK_BYTES));
      TensorInput.fill(file, channel, from + done, all);
    }
    return all.array();
  }

  /** Returns the texts of the metadata by name. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Returns the names of the tensors, in the order of the header. */
  public Set<String> names() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  /** Returns a tensor's element type as the file names it, which may be none of {@link DType}. */
  public String typeName(String name) throws SafetensorsException {
    return entry(name).dtype();
  }

  /** Returns a tensor's element type; throws if there is none, or it is none of {@link DType}. */
  public DType dtype(String name) throws SafetensorsException {
    TensorPlace entry = entry(name);
    return switch (entry.dtype()) {
      case "F32" -> DType.F32;
      case "F64" -> DType.F64;
      case "I64" -> DType.I64;
      case "BF16" -> DType.BF16;
      case "U8" -> DType.U8;
      default ->
          throw wrong(
              dataStart + entry.begin(),
              "tensor '%s' is %s; F32, F64, I64, BF16 and U8 are read"
                  .formatted(Excerpt.of(name), Excerpt.of(entry.dtype())));
    };
  }

  /** Returns the shape of a tensor; a number without a shape is a vector of one. */
  public Shape shape(String name) throws SafetensorsException {
    List<Long> extents = entry(name).extents();
    return extents.isEmpty()
        ? Shape.of(1)
        : Shape.of(extents.stream().mapToLong(Long::longValue).toArray());
  }

  private SafetensorsException wrong(long at, String problem) {
    return new SafetensorsException(file, at, problem);
  }

  private TensorPlace entry(String name) throws SafetensorsException {
    TensorPlace entry = entries.get(name);
    if (entry == null) {
      throw wrong(
          Long.BYTES,
          "there is no tensor '%s'; there are %s".formatted(Excerpt.of(name), Excerpt.of(names())));
    }
    return entry;
  }

  /** Requires that texts and places are those that were written, and each tensor has its sum. */
  public void requireIntactHeader() throws SafetensorsException {
    String found = Checksum.of(metadata, entries);
    String written = metadata.get(Checksum.HEADER);
    if (!found.equals(written)) {
      throw wrong(
          Long.BYTES,
          "the header is damaged: it has the CRC-32C %s, and %s was written"
              .formatted(found, written == null ? "none" : Excerpt.of(written)));
    }
    for (String name : entries.keySet()) {
      if (!metadata.containsKey(Checksum.KEY + name)) {
        throw wrong(Long.BYTES, "tensor '%s' has no CRC-32C".formatted(Excerpt.of(name)));
      }
    }
  }

  /**
   * Compares a tensor's bytes with their sum, if {@link SafetensorsWriter} left one in the file.
   */
  public void requireIntact(String name) throws IOException {
    try (TensorInput in = input(entry(name))) {
      in.skip();
      requireSum(name, in);
    }
  }

  private TensorInput input(TensorPlace entry) {
    return new TensorInput(file, channel, dataStart + entry.begin(), dataStart + entry.end());
  }

  private void requireSum(String name, TensorInput in) throws SafetensorsException {
    String written = metadata.get(Checksum.KEY + name);
    String found = in.checksum();
    if (written != null && !written.equals(found)) {
      throw wrong(
          dataStart + entries.get(name).begin(),
          "tensor '%s' is damaged: its bytes have the CRC-32C %s, and %s was written"
              .formatted(Excerpt.of(name), found, Excerpt.of(written)));
    }
  }

  /**
   * Reads a tensor into new memory; throws if there is none of that name, its type is not read, or
   * its bytes do not have the sum that {@link SafetensorsWriter} left in the metadata, if it did.
   */
  public Tensor read(TensorArena arena, String name) throws IOException {
    Tensor tensor = arena.allocate(name, dtype(name), shape(name));
    read(name, tensor);
    return tensor;
  }

  /**
   * Reads a tensor into the memory of a host tensor of the same element type and shape, which may
   * be a view, as {@link #read(TensorArena, String)}. If that fails, any part of the bytes may have
   * been read.
   */
  public void read(String name, Tensor into) throws IOException {
    into.requireHost();
    if (into.isReadOnly() || into.dtype() != dtype(name) || !into.shape().equals(shape(name))) {
      String found = dtype(name) + " " + shape(name);
      String target = (into.isReadOnly() ? "read-only " : "") + into.dtype() + " " + into.shape();
      throw new IllegalArgumentException(
          "tensor '%s' of the file is %s and cannot be read into '%s', %s"
              .formatted(Excerpt.of(name), found, into.name(), target));
    }
    try (TensorInput in = input(entry(name))) {
      Checksum.forEach(into, in::read);
      requireSum(name, in);
    }
  }

  /** Reads an F64 tensor into arrays of as many numbers together, one after the other. */
  public void readDoubles(String name, double[]... into) throws IOException {
    long count = Arrays.stream(into).mapToLong(part -> part.length).sum();
    if (dtype(name) != DType.F64 || shape(name).count() != count) {
      throw new IllegalArgumentException(
          "tensor '%s' of the file is %s %s and cannot be read into %,d doubles"
              .formatted(Excerpt.of(name), dtype(name), shape(name), count));
    }
    try (TensorInput in = input(entry(name))) {
      for (double[] part : into) {
        in.read(part);
      }
      requireSum(name, in);
    }
  }

  /**
   * Maps a tensor: no copy, read-only, for as long as the arena is open, also after this file is
   * closed. The file must not be made shorter meanwhile, which may end the process that reads it;
   * one that is replaced stays what it was. Throws if there is no such tensor, its element type is
   * not read, it does not lie at a multiple of its element size, or the file is shorter than it
   * was.
   */
  public Tensor map(TensorArena arena, String name) throws IOException {
    DType dtype = dtype(name);
    long offset = dataStart + entry(name).begin();
    if (offset % dtype.bytes() != 0) {
      throw wrong(
          offset,
          "tensor '%s' is not at a multiple of %d bytes, and cannot be mapped, but read"
              .formatted(Excerpt.of(name), dtype.bytes()));
    }
    return map(arena, name, dtype, shape(name).extents());
  }

  /** Maps the bytes of a tensor of any type, which may be at any place, as {@link #map}. */
  public Tensor mapBytes(TensorArena arena, String name) throws IOException {
    return map(arena, name, DType.U8, entry(name).end() - entry(name).begin());
  }

  private Tensor map(TensorArena arena, String name, DType dtype, long... extents)
      throws IOException {
    long offset = dataStart + entry(name).begin();
    try {
      return arena.map(name, channel, FileChannel.MapMode.READ_ONLY, offset, dtype, extents);
    } catch (IllegalArgumentException e) {
      throw wrong(
          offset,
          "the file ended before tensor '%s' does; it was longer when it was opened"
              .formatted(Excerpt.of(name)));
    }
  }

  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } catch (IOException e) {
      throw cannotRead(file, e);
    }
  }
}
