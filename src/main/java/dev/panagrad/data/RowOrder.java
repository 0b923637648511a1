package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Row numbers in native memory: which rows are trained on, which are held out, and the order of an
 * epoch.
 *
 * <pre>
 *   | training rows ............ | held-out rows |     one I64 per row
 * </pre>
 *
 * The order of an epoch is a pure function of seed and epoch: each epoch starts from the same
 * sorted training rows and shuffles them (Durstenfeld 1964) with a generator seeded by both.
 * Nothing has to be saved to resume.
 */
public final class RowOrder {
  private static final String GENERATOR = "L64X128MixRandom";

  private final Tensor index;
  private final Tensor sorted;
  private final long trainingRows;
  private final long seed;

  private RowOrder(Tensor index, Tensor sorted, long trainingRows, long seed) {
    this.index = index;
    this.sorted = sorted;
    this.trainingRows = trainingRows;
    this.seed = seed;
  }

  /**
   * All rows in order, with a random part of them held out.
   *
   * @param heldOut rows to hold out, from 0 to rows - 1
   */
  public static RowOrder of(TensorArena arena, long rows, long heldOut, long seed) {
    if (heldOut < 0 || heldOut >= Math.max(rows, 1)) {
      throw new IllegalArgumentException(
          "rows to hold out must be in [0, %,d), found %,d".formatted(rows, heldOut));
    }
    Tensor index = arena.allocate("row order", DType.I64, rows);
    for (long i = 0; i < rows; i++) {
      index.setLong(i, i);
    }
    long training = rows - heldOut;
    Tensor sorted = null;
    if (heldOut > 0) {
      shuffle(index, rows, generator(seed, -1));
      sorted =
          arena.allocate("training rows", DType.I64, training).copyFrom(index.rows(0, training));
    }
    return new RowOrder(index, sorted, training, seed);
  }

  /** The row numbers: training rows first. */
  public Tensor index() {
    return index;
  }

  /** How many rows are trained on. */
  public long trainingRows() {
    return trainingRows;
  }

  /** How many rows are held out; they follow the training rows. */
  public long heldOutRows() {
    return index.count() - trainingRows;
  }

  /** Puts the training rows into the order of that epoch. */
  public void shuffle(long epoch) {
    if (sorted != null) {
      index.rows(0, trainingRows).copyFrom(sorted);
    } else {
      for (long i = 0; i < trainingRows; i++) {
        index.setLong(i, i);
      }
    }
    shuffle(index, trainingRows, generator(seed, epoch));
  }

  private static RandomGenerator generator(long seed, long epoch) {
    // An odd multiplier, so that neighbouring epochs do not become neighbouring seeds of
    // neighbouring runs.
    return RandomGeneratorFactory.of(GENERATOR).create(seed ^ (epoch + 1) * 0x9E3779B97F4A7C15L);
  }

  private static void shuffle(Tensor index, long count, RandomGenerator random) {
    MemorySegment rows = index.segment();
    for (long i = count - 1; i > 0; i--) {
      long other = random.nextLong(i + 1);
      long held = rows.getAtIndex(ValueLayout.JAVA_LONG, i);
      rows.setAtIndex(ValueLayout.JAVA_LONG, i, rows.getAtIndex(ValueLayout.JAVA_LONG, other));
      rows.setAtIndex(ValueLayout.JAVA_LONG, other, held);
    }
  }
}
