package dev.panagrad.safetensors;

import dev.panagrad.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.StringJoiner;
import java.util.stream.Collectors;

/** Writes safetensors files. */
public final class SafetensorsWriter {
  private static final int ALIGNMENT = 64; // where the tensors begin: a multiple of this
  private static final int HEAP_CHUNK_BYTES = 64 * 1024;

  private SafetensorsWriter() {}

  /**
   * Replaces a file, and fsyncs it; what was there still is if that throws ({@link
   * NotDurableException} apart: the file has been replaced then).
   *
   * @param metadata texts by name; a CRC-32C for each tensor is added
   * @param tensors host tensors with different names, any of them views; those of larger elements
   *     come first in the file
   * @throws NotDurableException if it was written and replaced, and may not outlast a crash
   */
  public static void write(Path file, Map<String, String> metadata, List<Tensor> tensors)
      throws IOException {
    requireNative();
    Set<String> names = new HashSet<>();
    long bytes = 0;
    for (Tensor tensor : tensors) {
      tensor.requireHost();
      if (tensor.name().equals(SafetensorsFile.METADATA) || !names.add(tensor.name())) {
        throw new IllegalArgumentException(
            "tensors of a file need names of their own, found '%s' again"
                .formatted(Excerpt.of(tensor.name())));
      }
      if (tensor.shape().rank() > HeaderParser.MAX_RANK) {
        throw new IllegalArgumentException(
            "tensor '%s' has the rank %d; files hold tensors of rank %d at most"
                .formatted(tensor.name(), tensor.shape().rank(), HeaderParser.MAX_RANK));
      }
      bytes = Math.addExact(bytes, tensor.shape().bytes(tensor.dtype()));
    }
    List<Tensor> ordered =
        tensors.stream()
            .sorted(Comparator.comparingInt((Tensor t) -> t.dtype().bytes()).reversed())
            .toList();
    Map<String, TensorPlace> entries =
        entries(
            ordered.stream()
                .map(t -> new SafetensorsBuilder.Space(t.name(), t.dtype(), t.shape()))
                .toList());
    Map<String, String> texts = new LinkedHashMap<>(metadata);
    ordered.forEach(tensor -> texts.put(Checksum.KEY + tensor.name(), Checksum.of(tensor)));
    texts.put(Checksum.HEADER, Checksum.of(texts, entries));
    texts.forEach(SafetensorsWriter::requireText);
    names.forEach(name -> requireText(name, ""));
    if (texts.size() + names.size() > HeaderParser.MAX_NAMES) {
      throw new IllegalArgumentException(
          "%,d tensors and %,d texts, with the sum of each tensor, are more than the %,d names that a file may have"
              .formatted(names.size(), texts.size(), HeaderParser.MAX_NAMES));
    }
    ByteBuffer header = header(texts, entries, ALIGNMENT, 0);
    try {
      DurableFile.replace(
          file,
          channel -> {
            write(channel, header);
            for (Tensor tensor : ordered) {
              Checksum.forEach(tensor, part -> write(channel, part.asByteBuffer()));
            }
          });
    } catch (NotDurableException e) {
      throw e;
    } catch (IOException e) {
      throw new IOException(
          "cannot write '%s', %,d bytes: %s"
              .formatted(Excerpt.of(file), header.capacity() + bytes, IoReason.of(e)),
          e);
    }
  }

  static void requireNative() {
    if (ByteOrder.nativeOrder() != ByteOrder.LITTLE_ENDIAN) {
      throw new UnsupportedOperationException("safetensors files need a little-endian machine");
    }
  }

  static void requireText(String key, String text) {
    if (key == null || text == null || !isPaired(key) || !isPaired(text)) {
      throw new IllegalArgumentException(
          "metadata and names are texts, found none, or half of a surrogate pair, at '%s'"
              .formatted(key == null ? "null" : Excerpt.of(key)));
    }
  }

  /** True if UTF-8 can hold it: no half of a surrogate pair. */
  private static boolean isPaired(String text) {
    return text.codePoints().noneMatch(point -> Character.getType(point) == Character.SURROGATE);
  }

  static Map<String, TensorPlace> entries(List<SafetensorsBuilder.Space> tensors) {
    Map<String, TensorPlace> entries = new LinkedHashMap<>();
    long offset = 0;
    for (SafetensorsBuilder.Space tensor : tensors) {
      long end = Math.addExact(offset, tensor.bytes());
      List<Long> extents = Arrays.stream(tensor.shape().extents()).boxed().toList();
      entries.put(tensor.name(), new TensorPlace(tensor.dtype().name(), extents, offset, end));
      offset = end;
    }
    return entries;
  }

  /** A header, padded so that the byte {@code offset} after it is at a multiple of alignment. */
  static ByteBuffer header(
      Map<String, String> metadata, Map<String, TensorPlace> entries, int alignment, long offset)
      throws IOException {
    StringJoiner members = new StringJoiner(",", "{", "}");
    if (!metadata.isEmpty()) {
      members.add(
          metadata.entrySet().stream()
              .map(text -> NameList.quoted(text.getKey()) + ":" + NameList.quoted(text.getValue()))
              .collect(
                  Collectors.joining(",", NameList.quoted(SafetensorsFile.METADATA) + ":{", "}")));
    }
    entries.forEach(
        (name, entry) ->
            members.add(
                "%s:{\"dtype\":\"%s\",\"shape\":%s,\"data_offsets\":%s}"
                    .formatted(
                        NameList.quoted(name),
                        entry.dtype(),
                        entry.extents().toString().replace(" ", ""),
                        "[" + entry.begin() + "," + entry.end() + "]")));
    byte[] json = members.toString().getBytes(StandardCharsets.UTF_8);
    if (json.length > SafetensorsFile.MAX_HEADER_BYTES - alignment) {
      throw new IOException(
          "a header of %,d bytes is more than the %,d that are read"
              .formatted(json.length, SafetensorsFile.MAX_HEADER_BYTES));
    }
    int past = (int) (offset % alignment);
    int start = Math.ceilDiv(Long.BYTES + json.length + past, alignment) * alignment - past;
    byte[] all = new byte[start];
    Arrays.fill(all, (byte) ' ');
    ByteBuffer header = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(start - (long) Long.BYTES).put(json).clear();
    return header;
  }

  static void write(FileChannel channel, ByteBuffer bytes) throws IOException {
    int end = bytes.limit();
    while (bytes.position() < end) {
      // Of the header: the JDK copies what is on the heap through native memory, and keeps that.
      int most = bytes.isDirect() ? end - bytes.position() : HEAP_CHUNK_BYTES;
      channel.write(bytes.limit(Math.min(end, bytes.position() + most)));
    }
  }
}
