package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.MemoryAdvice;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.random.RandomGenerator;

/**
 * Orders rows of data that are larger than memory: a few blocks of neighboring rows are in memory
 * at a time, and the rows of those blocks are shuffled among themselves.
 *
 * <pre>
 *   file       | block 0 | block 1 | block 2 | block 3 | block 4 | 5 |     rows in their order
 *   epoch      | block 4 | block 0 | block 3 | block 2 |   5 |   held out: block 1
 *              |---- window 0 -----|---- window 1 ------------|
 *   window 0   rows of blocks 4 and 0, shuffled
 * </pre>
 *
 * <p>Blocks are dealt anew in each epoch; a shorter block, at the end of the file, is always dealt
 * last. This mixes less than a shuffle of all rows: data sorted by something that matters, in
 * blocks that are alike inside, should be shuffled once when the file is written. The order is a
 * pure function of seed, epoch and sizes, window by window: nothing has to be saved to resume, and
 * nothing before a window has to be computed. The system is told what the next window needs, and
 * that the last one is done with.
 */
public final class BlockOrder {
  // Of a block, at most: a disk reads that much about as fast as it can.
  private static final long BLOCK_BYTES = 4 << 20;
  // Blocks that a window is made of, at least, so that rows meet others.
  private static final int WINDOW_BLOCKS = 16;
  // Blocks of a file: two numbers of 8 bytes each are kept for every one.
  private static final int MAX_BLOCKS = 1 << 28;
  // Blocks of a file that fits into a window, so that a fraction of them can be held out.
  private static final int FILE_BLOCKS = 64;
  // Where windows are larger than this, blocks are not smaller than what comes in with a page
  // beside them: a window of small blocks would bring in several times its size.
  private static final long LARGE_BYTES = 4 * MemoryAdvice.FAULT_BYTES;

  private final Tensor index;
  private final Tensor rows;
  private final long blockRows;
  private final int windowBlocks;
  private final long windowRows;
  private final long crossing; // positions that may be located together across the end of a window
  private final long seed;
  private final boolean isShuffled;
  // Block numbers: those trained on in the order of the epoch, then those held out.
  private final long[] blocks;
  private final long[] sorted; // the same, the former sorted
  private final int trainedBlocks;
  private final long trainedRows;
  private long epoch;
  private long first; // the index holds positions [first, first + count)
  private long count;
  private long changes;
  private int nextWindow = -1;
  private int released = -1; // the last window that was released

  /**
   * Orders all rows; the seed chooses held-out blocks.
   *
   * @param rows at least one, a view of a file that {@link TensorArena#map} has mapped read-only
   * @param windowBytes of the rows in memory at a time; pages that come in beside them may be as
   *     much again, and 32 MiB where it is less than 8 MiB
   * @param batch rows per step, at least 1
   * @param heldOut the fraction of blocks to hold out, in [0, 1); 0 for none
   * @throws IllegalArgumentException if an argument is out of range, the rows are not such a view,
   *     a window cannot hold two rows, or not a block is left on each side; nothing is allocated
   */
  public BlockOrder(
      TensorArena arena,
      Tensor rows,
      long windowBytes,
      long batch,
      double heldOut,
      long seed,
      boolean isShuffled) {
    if (rows.rows() < 1 || batch < 1 || !(heldOut >= 0 && heldOut < 1)) {
      throw new IllegalArgumentException(
          "an order of blocks needs at least one row, batches of at least one, and a fraction held out in [0, 1); found %,d, %,d and %s"
              .formatted(rows.rows(), batch, heldOut));
    }
    MemoryAdvice.inSmallPages(rows);
    long rowBytes = Math.max(1, rows.rowStride() * rows.dtype().bytes());
    if (windowBytes < 2 * rowBytes) {
      throw new IllegalArgumentException(
          "%,d bytes of rows in memory at a time do not hold two rows of %,d bytes"
              .formatted(windowBytes, rowBytes));
    }
    this.rows = rows;
    this.seed = seed;
    this.isShuffled = isShuffled;
    long least = windowBytes < LARGE_BYTES ? 0 : MemoryAdvice.FAULT_BYTES;
    long all = rows.rows() * rowBytes;
    long bytes =
        all <= windowBytes
            ? all / FILE_BLOCKS
            : Math.clamp(windowBytes / WINDOW_BLOCKS, least, BLOCK_BYTES);
    blockRows = Math.max(1, bytes / rowBytes);
    long needed = Math.ceilDiv(rows.rows(), blockRows);
    if (needed > MAX_BLOCKS) {
      throw new IllegalArgumentException(
          "%,d bytes of rows in memory at a time make %,d blocks of tensor '%s'; at most %,d are possible: allow more memory"
              .formatted(windowBytes, needed, rows.name(), MAX_BLOCKS));
    }
    int count = (int) needed;
    windowBlocks = (int) Math.min(count, windowBytes / (blockRows * rowBytes));
    windowRows = blockRows * windowBlocks;
    crossing = Math.min(batch, windowRows);
    int held = (int) Math.round(heldOut * count);
    if (heldOut > 0 && (held < 1 || held >= count)) {
      throw new IllegalArgumentException(
          "validation fraction %s of %,d blocks of %,d rows holds out %,d; at least one block must be on each side"
              .formatted(heldOut, count, blockRows, held));
    }
    trainedBlocks = count - held;
    blocks = new long[count];
    deal(count, held);
    sorted = blocks.clone();
    trainedRows = Arrays.stream(blocks, 0, trainedBlocks).map(this::rowsOf).sum();
    index = arena.allocate("rows in memory", DType.I64, windowRows + crossing);
  }

  /** Selection sampling, as in {@link RowOrder}. */
  private void deal(int all, int held) {
    RandomGenerator random = RowOrder.generator(seed, -1);
    int trained = 0;
    int out = 0;
    for (int block = 0; block < all; block++) {
      if (out < held && random.nextInt(all - block) < held - out) {
        blocks[all - held + out++] = block;
      } else {
        blocks[trained++] = block;
      }
    }
  }

  private long rowsOf(long block) {
    return Math.min(blockRows, rows.rows() - block * blockRows);
  }

  /** Returns the number of rows trained on, whose positions begin at 0. */
  public long trainedRows() {
    return trainedRows;
  }

  /** Returns the number of rows held out, whose positions follow those. */
  public long heldOutRows() {
    return rows.rows() - trainedRows;
  }

  public long windowRows() {
    return windowRows;
  }

  /** Counts changes of the index: a copy of it is good until the next. */
  public long changes() {
    return changes;
  }

  /** Returns the row numbers, I64, where {@link #locate} puts them. */
  public Tensor index() {
    return index;
  }

  /** Begins an epoch, from 0, of training rows in a new order. */
  public void begin(long newEpoch) {
    if (newEpoch < 0) {
      throw new IllegalArgumentException("epochs count from 0, found " + newEpoch);
    }
    releaseRest();
    epoch = newEpoch;
    System.arraycopy(sorted, 0, blocks, 0, blocks.length);
    if (isShuffled) {
      // A short block stays last.
      int whole = rowsOf(blocks[trainedBlocks - 1]) < blockRows ? trainedBlocks - 1 : trainedBlocks;
      RandomGenerator random = RowOrder.generator(seed, epoch);
      for (int i = whole - 1; i > 0; i--) {
        int other = random.nextInt(i + 1);
        long held = blocks[i];
        blocks[i] = blocks[other];
        blocks[other] = held;
      }
    }
    first = 0;
    count = 0;
    nextWindow = -1;
    released = -1;
  }

  /**
   * Returns how many positions from one on can be located together: up to the end of its window, or
   * beyond it if no more are asked for than a batch has, or a window holds. Throws if not all are
   * training positions.
   */
  public long contiguousFrom(long position, long wanted) {
    if (position < 0 || wanted < 0 || position > trainedRows - wanted) {
      throw new IndexOutOfBoundsException(
          "positions [%d, %d + %d) are not inside the %,d training rows of tensor '%s'"
              .formatted(position, position, wanted, trainedRows, rows.name()));
    }
    if (wanted <= crossing) {
      return wanted;
    }
    long inWindow = Math.min(wanted, (position / windowRows + 1) * windowRows - position);
    return wanted <= windowRows ? Math.max(crossing, inWindow) : inWindow;
  }

  /**
   * Puts the rows at training positions {@code [position, position + wanted)} into the index, and
   * returns where they begin there. Positions are visited in increasing order within an epoch, from
   * anywhere; throws if more are wanted than {@link #contiguousFrom} says.
   */
  public long locate(long position, long wanted) {
    long most = contiguousFrom(position, wanted);
    if (wanted > most) {
      throw new IllegalArgumentException(
          "%,d positions from %,d on are not located together, %,d are"
              .formatted(wanted, position, most));
    }
    if (nextWindow > released + 1 && position >= (released + 2) * windowRows) {
      // Not before: a batch may begin in a window and end in the next.
      advise(++released, false);
    }
    if (nextWindow < 0 || position < first) {
      first = position / windowRows * windowRows;
      count = 0;
      nextWindow = (int) (position / windowRows);
      released = nextWindow - 1;
    }
    while (position + wanted > first + count) {
      long kept = Math.max(0, first + count - position);
      long from = position - first;
      if (from < count) {
        MemorySegment.copy(index.segment(), at(from), index.segment(), at(0), kept * Long.BYTES);
        first = position;
      } else {
        first += count;
      }
      count = kept;
      load(nextWindow++);
    }
    return position - first;
  }

  private long at(long position) {
    return index.byteOffset() + position * Long.BYTES;
  }

  private void load(int window) {
    changes++;
    int from = window * windowBlocks;
    int to = Math.min(from + windowBlocks, trainedBlocks);
    long begin = count;
    for (int i = from; i < to; i++) {
      long row = blocks[i] * blockRows;
      long n = rowsOf(blocks[i]);
      for (long r = 0; r < n; r++) {
        index.setLong(count++, row + r);
      }
    }
    if (isShuffled) {
      RowOrder.shuffle(
          index.rows(begin, count - begin), count - begin, RowOrder.generator(seed, epoch, window));
    }
    advise(window + 1, true);
  }

  /** Advises the system about the blocks of a window, if there is one of that number. */
  private void advise(int window, boolean isNeeded) {
    long from = Math.max(-1, window) * (long) windowBlocks;
    long to = Math.min(from + windowBlocks, trainedBlocks);
    for (long i = Math.max(0, from); i < to; i++) {
      Tensor block = block(blocks[(int) i]);
      if (isNeeded) {
        MemoryAdvice.willNeed(block);
      } else {
        MemoryAdvice.release(block);
      }
    }
  }

  private Tensor block(long block) {
    return rows.rows(block * blockRows, rowsOf(block));
  }

  @FunctionalInterface
  public interface BlockVisitor {
    /** Visits rows {@code [first, first + count)}, which follow each other. */
    void visit(long first, long count);
  }

  /**
   * Visits all training rows, or all that are held out, block by block in the order of the file,
   * and releases each block. An epoch under way goes on from anywhere.
   */
  public void visit(boolean isHeldOut, BlockVisitor visitor) {
    int from = isHeldOut ? trainedBlocks : 0;
    int to = isHeldOut ? blocks.length : trainedBlocks;
    for (int i = from; i < to; i++) {
      if (i + 1 < to) {
        MemoryAdvice.willNeed(block(sorted[i + 1]));
      }
      visitor.visit(sorted[i] * blockRows, rowsOf(sorted[i]));
      MemoryAdvice.release(block(sorted[i]));
    }
    releaseRest();
  }

  private void releaseRest() {
    for (int window = released + 1; window < nextWindow; window++) {
      advise(window, false);
    }
  }
}
