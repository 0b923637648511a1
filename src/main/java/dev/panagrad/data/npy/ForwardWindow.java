package dev.panagrad.data.npy;

import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;

/**
 * A window over bytes that are read once, from front to back: a file, or what a decompressor gives.
 * Memory is that of the window; a file that is cut short while it is read is an exception, and not
 * the fault that a mapping would be.
 *
 * <pre>
 *   bytes   0 ............ start |=========== window ===========| start + filled ....... bytes
 *                                      ^ offset: [offset, offset + n) is moved into the window
 * </pre>
 *
 * <p>Ownership: the window owns its memory, not the channel. Threading: the thread that made it.
 */
final class ForwardWindow implements AutoCloseable {
  // A read of it costs little beside its bytes, and the second-level cache holds it.
  static final int WINDOW_BYTES = 256 * 1024;

  private final Arena arena = Arena.ofConfined();
  final MemorySegment memory = arena.allocate(WINDOW_BYTES, Long.BYTES);
  private final ByteBuffer buffer = memory.asByteBuffer();
  private final ReadableByteChannel in;
  private final long bytes;
  private long start;
  private int filled;

  /** A window over the next bytes of a blocking channel, as many as it is said to have. */
  ForwardWindow(ReadableByteChannel in, long bytes) {
    this.in = in;
    this.bytes = bytes;
  }

  /**
   * Moves the window, never back, so that it has these bytes, at most {@value #WINDOW_BYTES}, and
   * returns where in {@link #memory} they are.
   */
  long at(long offset, int count) throws IOException {
    if (offset + count > start + filled) {
      advance(offset);
    }
    return offset - start;
  }

  private void advance(long offset) throws IOException {
    if (offset < start + filled) {
      int kept = (int) (start + filled - offset);
      MemorySegment.copy(memory, filled - kept, memory, 0, kept);
      start = offset;
      filled = kept;
    } else {
      skip(offset);
    }
    fill();
  }

  /** Goes to where nothing of the window is needed any more. */
  private void skip(long offset) throws IOException {
    if (in instanceof SeekableByteChannel seekable) {
      seekable.position(seekable.position() + offset - start - filled);
      start = offset;
      filled = 0;
      return;
    }
    while (start + filled < offset) {
      start += filled;
      filled = 0;
      fill();
    }
    int passed = (int) (offset - start);
    MemorySegment.copy(memory, passed, memory, 0, filled - passed);
    filled -= passed;
    start = offset;
  }

  private void fill() throws IOException {
    int limit = (int) Math.min(WINDOW_BYTES, bytes - start);
    buffer.limit(limit).position(filled);
    while (buffer.hasRemaining()) {
      if (in.read(buffer) < 0) {
        throw new EOFException(
            "%,d bytes were expected, and there are %,d"
                .formatted(bytes, start + buffer.position()));
      }
    }
    filled = limit;
  }

  /** Reads what is left; throws if there are more bytes than there should be. */
  void drain() throws IOException {
    while (start + filled < bytes) {
      start += filled;
      filled = 0;
      fill();
    }
    buffer.limit(1).position(0);
    if (in.read(buffer) > 0) {
      throw new IOException("%,d bytes were expected, and there are more".formatted(bytes));
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
