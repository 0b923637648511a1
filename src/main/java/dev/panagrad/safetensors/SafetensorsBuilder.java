package dev.panagrad.safetensors;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a safetensors file whose tensors are too large to be in memory: they are filled where they
 * lie in the file, through a mapping that the system writes out when it needs the memory.
 *
 * <pre>
 *   | length | header, padded | small tensor | ... | large tensor ........ |
 *                                                  ^ page boundary
 * </pre>
 */
public final class SafetensorsBuilder {
  private static final int PAGE_BYTES = 4096;
  // Stands for the sums while they are not known: they have as many letters.
  private static final String UNKNOWN = "00000000";

  private SafetensorsBuilder() {}

  public record Space(String name, DType dtype, Shape shape) {
    long bytes() {
      return shape.bytes(dtype);
    }
  }

  /** Fills the tensors: mapped, all zero, in the order asked for. */
  @FunctionalInterface
  public interface Filler {
    void fill(List<Tensor> tensors) throws IOException;
  }

  /**
   * Replaces a file, and fsyncs it; what was there still is if that throws, or the filler does
   * ({@link NotDurableException} apart: the file has been replaced then).
   *
   * @param metadata texts by name; a CRC-32C for each tensor is added
   * @param spaces tensors with different names, those of larger elements first; the last one begins
   *     at a page boundary
   */
  public static void write(
      Path file, Map<String, String> metadata, List<Space> spaces, Filler filler)
      throws IOException {
    SafetensorsWriter.requireNative();
    Map<String, String> texts = new LinkedHashMap<>(metadata);
    for (Space space : spaces) {
      SafetensorsWriter.requireText(space.name(), "");
      texts.put(Checksum.KEY + space.name(), UNKNOWN);
    }
    Map<String, TensorPlace> entries = SafetensorsWriter.entries(spaces);
    TensorPlace last = entries.get(spaces.getLast().name());
    texts.put(Checksum.HEADER, UNKNOWN);
    texts.forEach(SafetensorsWriter::requireText);
    long offset = last.begin();
    long size = last.end();
    int start = SafetensorsWriter.header(texts, entries, PAGE_BYTES, offset).capacity();
    long total = Math.addExact(start, size);
    try {
      DurableFile.replace(
          file,
          channel -> {
            requireSpace(file, channel, total);
            fill(channel, start, size, spaces, texts, filler);
            texts.put(Checksum.HEADER, Checksum.of(texts, entries));
            channel.position(0);
            SafetensorsWriter.write(
                channel, SafetensorsWriter.header(texts, entries, PAGE_BYTES, offset));
          });
    } catch (IOException e) {
      throw new IOException(
          "cannot write '%s', %,d bytes: %s".formatted(file, total, e.getMessage()), e);
    }
  }

  /** Takes the disk space now: writing to a mapping of what cannot be stored ends the process. */
  private static void requireSpace(Path file, FileChannel channel, long total) throws IOException {
    byte[] zeros = new byte[1 << 20];
    for (long done = 0; done < total; done += zeros.length) {
      int n = (int) Math.min(zeros.length, total - done);
      SafetensorsWriter.write(channel, ByteBuffer.wrap(zeros, 0, n));
    }
    if (channel.size() != total) {
      throw new IOException(
          "'%s' has %,d bytes after %,d were written".formatted(file, channel.size(), total));
    }
  }

  private static void fill(
      FileChannel channel,
      int start,
      long bytes,
      List<Space> spaces,
      Map<String, String> texts,
      Filler filler)
      throws IOException {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment all = channel.map(FileChannel.MapMode.READ_WRITE, start, bytes, arena);
      List<Tensor> tensors = new ArrayList<>();
      long at = 0;
      for (Space space : spaces) {
        MemorySegment place = all.asSlice(at, space.bytes());
        tensors.add(Tensor.wrap(space.name(), place, space.dtype(), space.shape().extents()));
        at += space.bytes();
      }
      filler.fill(tensors);
      for (Tensor tensor : tensors) {
        texts.put(Checksum.KEY + tensor.name(), Checksum.of(tensor));
      }
      all.force();
    }
  }
}
