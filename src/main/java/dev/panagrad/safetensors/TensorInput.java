package dev.panagrad.safetensors;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.zip.CRC32C;

/**
 * The bytes of one tensor, read from the file in order, with their CRC-32C. A file that became
 * shorter is an exception, where reading a mapping of it would end the process.
 */
final class TensorInput implements AutoCloseable {
  // Of one read: stays in the first caches until its sum has been taken.
  static final int CHUNK_BYTES = 64 * 1024;

  private final Path file;
  private final FileChannel channel;
  private final CRC32C sum = new CRC32C();
  private final Arena arena = Arena.ofConfined();
  private final long end;
  private long position;

  TensorInput(Path file, FileChannel channel, long begin, long end) {
    this.file = file;
    this.channel = channel;
    this.position = begin;
    this.end = end;
  }

  void read(MemorySegment into) throws IOException {
    for (long done = 0; done < into.byteSize(); done += CHUNK_BYTES) {
      ByteBuffer chunk =
          into.asSlice(done, Math.min(CHUNK_BYTES, into.byteSize() - done)).asByteBuffer();
      fill(file, channel, position, chunk);
      position += chunk.limit();
      sum.update(chunk.rewind());
    }
  }

  void read(double[] into) throws IOException {
    MemorySegment chunk = arena.allocate(Math.min(CHUNK_BYTES, into.length * (long) Double.BYTES));
    int most = CHUNK_BYTES / Double.BYTES;
    for (int done = 0; done < into.length; done += most) {
      int count = Math.min(most, into.length - done);
      MemorySegment part = chunk.asSlice(0, count * (long) Double.BYTES);
      read(part);
      part.asByteBuffer().order(ByteOrder.nativeOrder()).asDoubleBuffer().get(into, done, count);
    }
  }

  /** Reads what is left, for its sum alone. */
  void skip() throws IOException {
    MemorySegment chunk = arena.allocate(Math.min(CHUNK_BYTES, end - position));
    while (position < end) {
      read(chunk.asSlice(0, Math.min(CHUNK_BYTES, end - position)));
    }
  }

  String checksum() {
    return Checksum.format(sum);
  }

  @Override
  public void close() {
    arena.close();
  }

  /** Reads as many bytes as are left in the buffer. */
  static void fill(Path file, FileChannel channel, long from, ByteBuffer into) throws IOException {
    int start = into.position();
    while (into.hasRemaining()) {
      long at = from + into.position() - start;
      int count;
      try {
        count = channel.read(into, at);
      } catch (IOException e) {
        throw new IOException(
            "cannot read '%s' at byte %,d: %s".formatted(Excerpt.of(file), at, IoReason.of(e)), e);
      }
      if (count < 0) {
        throw new SafetensorsException(
            file, at, "the file ended while it was read; it was longer when it was opened");
      }
    }
  }
}
