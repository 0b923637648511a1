package dev.panagrad.data;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.IntConsumer;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/**
 * Holds row numbers in native memory: which rows are trained on, which are held out, and the order
 * of an epoch.
 *
 * <pre>
 *   | training rows ............ | held-out rows |     one I64 per row
 * </pre>
 *
 * The order of an epoch is a pure function of seed and epoch, so that nothing has to be saved to
 * resume: each epoch shuffles the sorted training rows (Durstenfeld 1964) with generators seeded by
 * both, many rows by {@link DealtRows}.
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

  /** Orders all rows, with a random part of them, at most rows - 1, held out. */
  public static RowOrder of(TensorArena arena, long rows, long heldOut, long seed) {
    return of(arena, rows, null, heldOut, seed);
  }

  /**
   * Orders the rows whose weight is above 0, as if there were no others.
   *
   * @param weights of all rows [rows], or null if all are 1
   * @param heldOut rows to hold out, fewer than have weight
   */
  public static RowOrder of(TensorArena arena, long rows, Tensor weights, long heldOut, long seed) {
    long used = used(rows, weights);
    if (heldOut < 0 || heldOut >= Math.max(used, 1)) {
      throw new IllegalArgumentException(
          "rows to hold out must be in [0, %,d), found %,d".formatted(used, heldOut));
    }
    Tensor index = arena.allocate("row order", DType.I64, used);
    long training = used - heldOut;
    // Selection sampling (Knuth, The Art of Computer Programming, 3.4.2 S): both parts stay sorted.
    RandomGenerator random = generator(seed, -1);
    long trained = 0;
    long held = 0;
    for (long row = 0; row < rows; row++) {
      if (weights != null && weights.get(row) == 0) {
        continue;
      }
      if (held < heldOut && random.nextLong(used - trained - held) < heldOut - held) {
        index.setLong(training + held++, row);
      } else {
        index.setLong(trained++, row);
      }
    }
    Tensor sorted =
        training == rows
            ? null
            : arena
                .allocate("training rows", DType.I64, training)
                .copyFrom(index.rows(0, training));
    return new RowOrder(index, sorted, training, seed);
  }

  /** Returns the number of rows whose weight is above 0: all if the weights are null. */
  public static long used(long rows, Tensor weights) {
    return weights == null
        ? rows
        : LongStream.range(0, rows).filter(row -> weights.get(row) > 0).count();
  }

  /** Returns the training rows in the order of the table; null if those are all rows. */
  public Tensor sorted() {
    return sorted;
  }

  /** Returns the row numbers: training rows first. */
  public Tensor index() {
    return index;
  }

  public long trainingRows() {
    return trainingRows;
  }

  public long heldOutRows() {
    return index.count() - trainingRows;
  }

  /** Returns how rows are shuffled: a resumed training needs the same orders. */
  public String method() {
    return trainingRows >= DealtRows.MIN_ROWS ? "shuffled in piles" : "shuffled";
  }

  /** Runs parts of a task, from 0, on some threads, and returns when all are done. */
  @FunctionalInterface
  public interface Sharing {
    void share(int parts, IntConsumer part);
  }

  /** Puts the training rows into the order of that epoch. */
  public void shuffle(long epoch) {
    shuffle(epoch, (parts, part) -> IntStream.range(0, parts).forEach(part));
  }

  /**
   * Puts the training rows into the order of that epoch, on threads that share it if it is long.
   */
  public void shuffle(long epoch, Sharing threads) {
    if (trainingRows >= DealtRows.MIN_ROWS) {
      new DealtRows(index, sorted, trainingRows, seed, epoch).shuffle(threads);
      return;
    }
    if (sorted != null) {
      index.rows(0, trainingRows).copyFrom(sorted);
    } else {
      for (long i = 0; i < trainingRows; i++) {
        index.setLong(i, i);
      }
    }
    shuffle(index, trainingRows, generator(seed, epoch));
  }

  static RandomGenerator generator(long seed, long epoch) {
    return RandomGeneratorFactory.of(GENERATOR).create(mixed(mixed(seed) + epoch));
  }

  /** A generator for one part of an epoch, from 0. */
  static RandomGenerator generator(long seed, long epoch, long part) {
    return generator(mixed(mixed(seed) + epoch), part);
  }

  /**
   * A permutation of all longs after which neighbors have nothing in common, as first numbers of
   * generators with neighboring seeds do. Source: Steele, Lea and Flood (2014), Fast splittable
   * pseudorandom number generators, with Stafford's variant 13.
   */
  private static long mixed(long z) {
    z += 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }

  /**
   * Shuffles the first rows of a contiguous index. A random number below a bound is the upper half
   * of a product with it, without a division: probabilities differ by a part in 2^64 for each row.
   */
  static void shuffle(Tensor index, long count, RandomGenerator random) {
    shuffle(index.segment().asSlice(index.byteOffset()), count, random);
  }

  static void shuffle(MemorySegment rows, long count, RandomGenerator random) {
    for (long i = count - 1; i > 0; i--) {
      long other = Math.unsignedMultiplyHigh(random.nextLong(), i + 1);
      long held = rows.getAtIndex(ValueLayout.JAVA_LONG, i);
      rows.setAtIndex(ValueLayout.JAVA_LONG, i, rows.getAtIndex(ValueLayout.JAVA_LONG, other));
      rows.setAtIndex(ValueLayout.JAVA_LONG, other, held);
    }
  }
}
