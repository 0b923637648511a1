package dev.panagrad.data.csv;

import dev.panagrad.data.file.FileSource;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The records of a CSV file that needs no parser of records below its header: ASCII, no quotes, the
 * same number of fields in each line. Pieces of the file are counted and parsed by all processors,
 * and handed over in their order, by the thread that reads.
 */
final class PlainRecords {
  static final int PIECE_BYTES = 1 << 20;
  private static final int PART_BYTES = 1 << 16;
  private static final int MOST_THREADS = 16;
  // Bytes, and a double for each two of them at most.
  private static final long PIECE_HEAP = 5L * PIECE_BYTES;
  private static final int HEAP_PARTS = 4;

  private final FileSource source;
  private final char separator;
  private final int columns;
  private final long first; // byte of the first record
  private final long size;
  private final int pieceBytes;
  private int[] rows; // of each piece
  private long counted; // bytes of which the lines are counted
  private long lines;

  private PlainRecords(
      FileSource source, char separator, int columns, long first, long size, int pieceBytes) {
    this.source = source;
    this.pieceBytes = pieceBytes;
    this.separator = separator;
    this.columns = columns;
    this.first = first;
    this.size = size;
  }

  /** Takes rows in their order, while their piece is loaded. */
  @FunctionalInterface
  interface Receiver {
    void rows(PlainPiece piece);
  }

  /**
   * The records after the header, which is one line; null if the file is not as plain as that.
   *
   * @param columns fields of each record
   */
  static PlainRecords find(
      FileSource source, char separator, int columns, boolean hasHeader, int pieceBytes)
      throws IOException {
    if (separator >= 0x80 || (separator | 0x20) == 'e') {
      return null; // as an exponent may follow a number
    }
    try (FileChannel file = source.channel()) {
      long first = hasHeader ? afterHeader(file) : afterMark(file);
      if (first < 0) {
        return null;
      }
      PlainRecords found =
          new PlainRecords(source, separator, columns, first, file.size(), pieceBytes);
      int[] counts = new int[Math.toIntExact(Math.ceilDiv(found.size - first, pieceBytes))];
      int[] next = new int[1];
      found.rows = counts;
      found.run(
          file,
          piece -> piece.count(),
          piece -> {
            counts[next[0]++] = piece.rows();
          });
      return Arrays.stream(counts).anyMatch(c -> c < 0) ? null : found;
    }
  }

  /** The byte after the first line; -1 if that is blank, or has a quote or a carriage return. */
  private static long afterHeader(FileChannel file) throws IOException {
    ByteBuffer part = ByteBuffer.allocate(PART_BYTES);
    long at = 0;
    boolean isBlank = true;
    boolean isReturned = false;
    while (file.read(part.clear(), at) > 0) {
      for (part.flip(); part.hasRemaining(); at++) {
        byte b = part.get();
        if (b == '\n') {
          return isBlank ? -1 : at + 1;
        }
        if (b == '"' || isReturned) {
          return -1;
        }
        isReturned = b == '\r';
        isBlank &= isReturned || b < 0; // a byte order mark is no name
      }
    }
    return -1;
  }

  private static long afterMark(FileChannel file) throws IOException {
    ByteBuffer mark = ByteBuffer.allocate(3);
    file.read(mark, 0);
    return mark.flip().equals(ByteBuffer.wrap(new byte[] {(byte) 0xEF, (byte) 0xBB, (byte) 0xBF}))
        ? 3
        : 0;
  }

  /** The line, from 1, of a byte of the file: counted on from the byte that was asked for last. */
  long line(long position) throws IOException {
    if (position < counted) {
      counted = 0;
      lines = 0;
    }
    try (FileChannel file = source.channel()) {
      ByteBuffer part = ByteBuffer.allocate(PART_BYTES);
      while (counted < position && file.read(part.clear(), counted) > 0) {
        for (part.flip(); part.hasRemaining() && counted < position; counted++) {
          lines += part.get() == '\n' ? 1 : 0;
        }
      }
    }
    return lines + 1;
  }

  long count() {
    return Arrays.stream(rows).asLongStream().sum();
  }

  /**
   * Parses the selected columns and hands over the pieces in their order; false if the file changed
   * since it was counted.
   */
  boolean read(int[] selected, Receiver into) throws IOException {
    int last = Arrays.stream(selected).max().orElse(-1);
    int[] slots = new int[last + 1];
    Arrays.fill(slots, -1);
    for (int i = 0; i < selected.length; i++) {
      slots[selected[i]] = i;
    }
    int[] next = new int[1];
    boolean[] hasChanged = new boolean[1];
    try (FileChannel file = source.channel()) {
      if (file.size() != size) {
        return false;
      }
      run(
          file,
          piece -> {
            piece.count();
            if (piece.rows() >= 0) {
              piece.parse(slots, selected.length);
            }
          },
          piece -> {
            hasChanged[0] |= piece.rows() != rows[next[0]++];
            if (!hasChanged[0]) {
              into.rows(piece);
            }
          });
    }
    return !hasChanged[0];
  }

  @FunctionalInterface
  private interface Work {
    void on(PlainPiece piece);
  }

  /** Does work on all pieces, a few at a time, and hands each over in its turn. */
  private void run(FileChannel file, Work work, Receiver into) throws IOException {
    int threads =
        Math.clamp(
            Runtime.getRuntime().maxMemory() / HEAP_PARTS / PIECE_HEAP - 1,
            1,
            Math.min(MOST_THREADS, Runtime.getRuntime().availableProcessors()));
    int count = rows.length;
    Deque<PlainPiece> free = new ArrayDeque<>();
    Deque<Future<PlainPiece>> running = new ArrayDeque<>();
    try (ExecutorService pool = pool(Math.min(threads, Math.max(1, count)))) {
      try {
        for (int k = 0; k < count || !running.isEmpty(); ) {
          if (k < count && running.size() <= threads) {
            PlainPiece piece = free.isEmpty() ? new PlainPiece(separator, columns) : free.pop();
            int at = k++;
            running.add(pool.submit(() -> loaded(piece, file, at, work)));
          } else {
            PlainPiece piece = result(running.poll());
            into.rows(piece);
            free.push(piece);
          }
        }
      } finally {
        running.forEach(future -> future.cancel(false));
      }
    }
  }

  private static ExecutorService pool(int threads) {
    return Executors.newFixedThreadPool(
        threads, Thread.ofPlatform().daemon().name("csv-", 0).factory());
  }

  private PlainPiece loaded(PlainPiece piece, FileChannel file, int number, Work work)
      throws IOException {
    long from = first + (long) number * pieceBytes;
    piece.load(file, from, Math.min(from + pieceBytes, size), number == 0);
    work.on(piece);
    return piece;
  }

  private static PlainPiece result(Future<PlainPiece> future) throws IOException {
    boolean isInterrupted = false;
    try {
      while (true) {
        try {
          return future.get();
        } catch (InterruptedException _) {
          isInterrupted = true;
        }
      }
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException problem -> throw problem;
        case Error error -> throw error;
        default -> throw new IllegalStateException(e.getCause());
      }
    } finally {
      if (isInterrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
