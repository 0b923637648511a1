package dev.panagrad.data;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.random.RandomGenerator;

/**
 * Shuffles many rows: each is dealt to one of some piles at random, and each pile is shuffled,
 * which a cache holds (Rao 1961; Sandelius 1962). Every order is as probable as by one shuffle of
 * all, whose accesses leave the cache with every row. Parts are fixed by the number of rows, so
 * that the order is the same for any number of threads.
 */
final class DealtRows {
  /** Fewer are shuffled as one: their numbers are 4 MiB. */
  static final long MIN_ROWS = 1 << 19;

  private static final int PILE_BITS = 8;
  private static final int PILES = 1 << PILE_BITS;
  private static final int PER_NUMBER = Long.SIZE / PILE_BITS; // rows that a random number deals
  private static final int HANDS = 16; // parts that are dealt at once

  private final MemorySegment into;
  private final Tensor sorted; // what is dealt; null for the numbers from 0 on
  private final long count;
  private final long seed;
  private final long epoch;
  private final long[][] places = new long[HANDS][PILES]; // of the next row of a hand in a pile
  private final long[] starts = new long[PILES + 1];

  DealtRows(Tensor index, Tensor sorted, long count, long seed, long epoch) {
    into = index.segment().asSlice(index.byteOffset());
    this.sorted = sorted;
    this.count = count;
    this.seed = seed;
    this.epoch = epoch;
  }

  void shuffle(RowOrder.Sharing threads) {
    threads.share(HANDS, this::count);
    long place = 0;
    for (int pile = 0; pile < PILES; pile++) {
      starts[pile] = place;
      for (int hand = 0; hand < HANDS; hand++) {
        long rows = places[hand][pile];
        places[hand][pile] = place;
        place += rows;
      }
    }
    starts[PILES] = place;
    threads.share(HANDS, this::deal);
    threads.share(PILES, this::shufflePile);
  }

  private void count(int hand) {
    RandomGenerator random = RowOrder.generator(seed, epoch, hand);
    long[] counts = places[hand];
    long rows = first(hand + 1) - first(hand);
    for (long done = 0; done < rows; done += PER_NUMBER) {
      long piles = random.nextLong();
      for (int i = 0; i < Math.min(PER_NUMBER, rows - done); i++, piles >>>= PILE_BITS) {
        counts[(int) piles & (PILES - 1)]++;
      }
    }
  }

  /** Deals to the piles that were counted. */
  private void deal(int hand) {
    RandomGenerator random = RowOrder.generator(seed, epoch, hand);
    long[] next = places[hand];
    long end = first(hand + 1);
    for (long row = first(hand); row < end; ) {
      long piles = random.nextLong();
      for (int i = 0; i < PER_NUMBER && row < end; i++, row++, piles >>>= PILE_BITS) {
        long number = sorted == null ? row : sorted.getLong(row);
        into.setAtIndex(ValueLayout.JAVA_LONG, next[(int) piles & (PILES - 1)]++, number);
      }
    }
  }

  private void shufflePile(int pile) {
    long from = starts[pile];
    RowOrder.shuffle(
        into.asSlice(from * Long.BYTES),
        starts[pile + 1] - from,
        RowOrder.generator(seed, epoch, HANDS + pile));
  }

  private long first(int hand) {
    return count / HANDS * hand + Math.min(hand, count % HANDS);
  }
}
