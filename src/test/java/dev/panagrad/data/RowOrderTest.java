package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Orders of rows: permutations, pure in seed and epoch, with a fixed set held out. */
class RowOrderTest {
  /** Without shuffling, rows are visited in their order, held-out rows or not. */
  @Test
  void bothPartsStartSorted() {
    try (TensorArena arena = TensorArena.open("sorted")) {
      Tensor index = RowOrder.of(arena, 120, 30, 7).index();
      for (long i = 1; i < 120; i++) {
        assertTrue(i == 90 || index.getLong(i - 1) < index.getLong(i), "position " + i);
      }
    }
  }

  private static final int ROWS = 101;
  private static final int HELD_OUT = 20;
  private static final long SEED = 7;

  private final TensorArena arena = TensorArena.open("order");

  @AfterEach
  void close() {
    arena.close();
  }

  private RowOrder order(long heldOut, long seed) {
    return RowOrder.of(arena, ROWS, heldOut, seed);
  }

  private static long[] numbers(RowOrder order, long first, long count) {
    return LongStream.range(first, first + count).map(order.index()::getLong).toArray();
  }

  private static long[] training(RowOrder order, long epoch) {
    order.shuffle(epoch);
    return numbers(order, 0, order.trainingRows());
  }

  private static long[] heldOut(RowOrder order) {
    return numbers(order, order.trainingRows(), order.heldOutRows());
  }

  private static long[] sorted(long... rows) {
    long[] copy = rows.clone();
    Arrays.sort(copy);
    return copy;
  }

  private static long[] all() {
    return LongStream.range(0, ROWS).toArray();
  }

  @Test
  void inOrderBeforeTheFirstShuffle() {
    assertArrayEquals(all(), numbers(order(0, SEED), 0, ROWS));
  }

  /** Parts of the task in another order are what other threads are. */
  @Test
  void manyRowsAreShuffledAlikeByAnyThreads() {
    int rows = 1_000_003;
    int held = 100_000;
    int training = rows - held;
    RowOrder one = RowOrder.of(arena, rows, held, SEED);
    RowOrder other = RowOrder.of(arena, rows, held, SEED);
    long[] before = numbers(one, 0, training);
    long[] heldOut = numbers(one, training, held);
    RowOrder.Sharing backwards =
        (parts, part) -> IntStream.range(0, parts).map(i -> parts - 1 - i).forEach(part);
    long[] last = before;
    for (int epoch = 0; epoch < 3; epoch++) {
      one.shuffle(epoch);
      other.shuffle(epoch, backwards);
      long[] now = numbers(one, 0, training);
      assertArrayEquals(now, numbers(other, 0, training));
      assertArrayEquals(before, sorted(now));
      assertArrayEquals(heldOut, numbers(one, training, held));
      assertFalse(Arrays.equals(last, now));
      last = now;
      // Thousandths of the places hold rows of each tenth alike: 90 on average, 5 deviations at
      // most.
      for (int place = 0; place < 1_000; place++) {
        int[] tenths = new int[10];
        for (int i = 0; i < 900; i++) {
          tenths[(int) (now[place * 900 + i] * 10 / rows)]++;
        }
        for (int count : tenths) {
          assertEquals(90, count, 5 * Math.sqrt(90 * 0.9), "place " + place);
        }
      }
    }
  }

  @Test
  void aPermutationInEveryEpoch() {
    RowOrder order = order(0, SEED);
    assertEquals(ROWS, order.trainingRows());
    assertEquals(0, order.heldOutRows());
    for (int epoch = 0; epoch < 50; epoch++) {
      assertArrayEquals(all(), sorted(training(order, epoch)), "epoch " + epoch);
    }
  }

  @Test
  void sameSeedSameOrderWhateverCameBefore() {
    for (long heldOut : new long[] {0, HELD_OUT}) {
      RowOrder one = order(heldOut, SEED);
      RowOrder other = order(heldOut, SEED);
      for (int epoch = 0; epoch < 9; epoch++) {
        one.shuffle(epoch);
      }
      assertArrayEquals(training(other, 9), training(one, 9));
      assertArrayEquals(heldOut(other), heldOut(one));
    }
  }

  @Test
  void epochsAndSeedsDiffer() {
    Set<String> seen = new HashSet<>();
    for (long seed = 0; seed < 20; seed++) {
      RowOrder order = order(0, seed);
      for (int epoch = 0; epoch < 20; epoch++) {
        assertTrue(
            seen.add(Arrays.toString(training(order, epoch))), "seed " + seed + " epoch " + epoch);
      }
    }
  }

  @Test
  void splitIsDisjointCompleteAndFixed() {
    RowOrder order = order(HELD_OUT, SEED);
    assertEquals(ROWS - HELD_OUT, order.trainingRows());
    assertEquals(HELD_OUT, order.heldOutRows());
    long[] held = heldOut(order);
    long[] trained = sorted(numbers(order, 0, ROWS - HELD_OUT));
    for (int epoch = 0; epoch < 50; epoch++) {
      assertArrayEquals(trained, sorted(training(order, epoch)), "epoch " + epoch);
      assertArrayEquals(held, heldOut(order), "epoch " + epoch);
    }
    assertArrayEquals(
        all(), LongStream.concat(Arrays.stream(held), Arrays.stream(trained)).sorted().toArray());
  }

  @Test
  void splitDependsOnTheSeed() {
    assertFalse(
        Arrays.equals(
            sorted(heldOut(order(HELD_OUT, SEED))), sorted(heldOut(order(HELD_OUT, SEED + 1)))));
  }

  /** Each of 5 rows comes first in about 1000 of 5000 epochs; 6 deviations are 170. */
  @Test
  void everyRowComesFirstEquallyOften() {
    int rows = 5;
    RowOrder order = RowOrder.of(arena, rows, 0, SEED);
    int[][] counts = new int[rows][rows];
    for (int epoch = 0; epoch < 1000 * rows; epoch++) {
      long[] numbers = training(order, epoch);
      for (int i = 0; i < rows; i++) {
        counts[i][Math.toIntExact(numbers[i])]++;
      }
    }
    for (int[] position : counts) {
      for (int count : position) {
        assertEquals(1000, count, 170, () -> Arrays.deepToString(counts));
      }
    }
  }

  @Test
  void oneRow() {
    RowOrder order = RowOrder.of(arena, 1, 0, SEED);
    assertArrayEquals(new long[] {0}, training(order, 0));
  }

  @Test
  void somethingMustBeLeftToTrainOn() {
    assertThrows(IllegalArgumentException.class, () -> order(ROWS, SEED));
    assertThrows(IllegalArgumentException.class, () -> order(-1, SEED));
  }
}
