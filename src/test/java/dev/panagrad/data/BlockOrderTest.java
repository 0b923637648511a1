package dev.panagrad.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.LongStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Every row once in an epoch, in windows, the same for the same seed, from anywhere. */
class BlockOrderTest {
  private static final int COLS = 16;
  private static final long ROW_BYTES = COLS * Float.BYTES;

  @TempDir private Path folder;

  private Tensor rows(TensorArena arena, long rows) throws IOException {
    Path file = folder.resolve(rows + ".bin");
    try (RandomAccessFile sized = new RandomAccessFile(file.toFile(), "rw")) {
      sized.setLength(rows * ROW_BYTES);
    }
    return arena.map("rows", file, FileChannel.MapMode.READ_ONLY, 0, DType.F32, rows, COLS);
  }

  /** Row numbers at training positions, located batch by batch. */
  private static List<Long> epoch(BlockOrder order, long epoch, long from, long batch) {
    order.begin(epoch);
    List<Long> visited = new ArrayList<>();
    for (long first = from; first < order.trainedRows(); first += batch) {
      long count = Math.min(batch, order.trainedRows() - first);
      for (long done = 0; done < count; ) {
        long n = order.contiguousFrom(first + done, count - done);
        long at = order.locate(first + done, n);
        for (long i = at; i < at + n; i++) {
          visited.add(order.index().getLong(i));
        }
        done += n;
      }
    }
    return visited;
  }

  private static List<Long> sorted(List<Long> rows) {
    return rows.stream().sorted().toList();
  }

  private static List<Long> visited(BlockOrder order, boolean isHeldOut) {
    List<Long> rows = new ArrayList<>();
    order.visit(isHeldOut, (first, n) -> LongStream.range(first, first + n).forEach(rows::add));
    return rows;
  }

  @Test
  void everyRowOnceWhateverTheSizes() throws IOException {
    for (long n : new long[] {1, 2, 15, 16, 17, 100, 257}) {
      for (long window : new long[] {2, 16, 33, 64, 1000}) {
        for (long batch : new long[] {1, 3, 16, 60, n}) {
          try (TensorArena arena = TensorArena.open("rows")) {
            BlockOrder order =
                new BlockOrder(arena, rows(arena, n), window * ROW_BYTES, batch, 0, 7, true);
            List<Long> all = LongStream.range(0, n).boxed().toList();
            assertEquals(all, sorted(epoch(order, 0, 0, batch)), n + " " + window + " " + batch);
            assertEquals(all, sorted(epoch(order, 1, 0, batch)));
            assertEquals(all, visited(order, false));
          }
        }
      }
    }
  }

  @Property(tries = 100)
  void everyRowOnceOrHeldOut(
      @ForAll @LongRange(min = 40, max = 700) long n,
      @ForAll @IntRange(min = 2, max = 300) int window,
      @ForAll @IntRange(min = 1, max = 90) int batch,
      @ForAll long seed)
      throws IOException {
    folder = Files.createTempDirectory("blocks");
    try (TensorArena arena = TensorArena.open("rows")) {
      BlockOrder order =
          new BlockOrder(arena, rows(arena, n), window * ROW_BYTES, batch, 0.3, seed, true);
      List<Long> held = visited(order, true);
      Set<Long> all = new TreeSet<>(held);
      List<Long> trained = epoch(order, 3, 0, batch);
      assertEquals(order.trainedRows(), trained.size());
      assertEquals(order.heldOutRows(), held.size());
      assertTrue(order.heldOutRows() > 0);
      all.addAll(trained);
      assertEquals(n, all.size());
      assertEquals(n, held.size() + trained.size());
    } finally {
      Files.deleteIfExists(folder.resolve(n + ".bin"));
      Files.delete(folder);
    }
  }

  @Test
  void goesOnFromAnywhere() throws IOException {
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor rows = rows(arena, 257);
      BlockOrder order = new BlockOrder(arena, rows, 64 * ROW_BYTES, 5, 0, 7, true);
      List<Long> whole = epoch(order, 4, 0, 5);
      for (int from = 0; from < 257; from += 5) {
        BlockOrder other = new BlockOrder(arena, rows, 64 * ROW_BYTES, 5, 0, 7, true);
        assertEquals(whole.subList(from, 257), epoch(other, 4, from, 5));
      }
    }
  }

  @Test
  void epochsAndSeedsDiffer() throws IOException {
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor rows = rows(arena, 400);
      Set<List<Long>> orders = new HashSet<>();
      for (long seed = 0; seed < 4; seed++) {
        for (long epoch = 0; epoch < 4; epoch++) {
          BlockOrder order = new BlockOrder(arena, rows, 64 * ROW_BYTES, 5, 0, seed, true);
          orders.add(epoch(order, epoch, 0, 5));
        }
      }
      assertEquals(16, orders.size());
    }
  }

  /**
   * Rows of a window come from at least 16 blocks, and next to each other are rows of different
   * ones.
   */
  @Test
  void windowsMixBlocks() throws IOException {
    try (TensorArena arena = TensorArena.open("rows")) {
      BlockOrder order = new BlockOrder(arena, rows(arena, 4096), 1024 * ROW_BYTES, 5, 0, 7, true);
      assertEquals(1024, order.windowRows());
      List<Long> window = epoch(order, 0, 0, 5).subList(0, 1024);
      long blocks = window.stream().map(row -> row / 64).distinct().count();
      assertEquals(16, blocks);
      int same = 0;
      for (int i = 1; i < window.size(); i++) {
        same += window.get(i) / 64 == window.get(i - 1) / 64 ? 1 : 0;
      }
      // 1023 / 16 expected.
      assertTrue(same < 128, same + " neighbors of the same block");
      assertNotEquals(sorted(window), window);
    }
  }

  @Test
  void inOrder() throws IOException {
    try (TensorArena arena = TensorArena.open("rows")) {
      BlockOrder order = new BlockOrder(arena, rows(arena, 257), 64 * ROW_BYTES, 5, 0, 7, false);
      assertEquals(LongStream.range(0, 257).boxed().toList(), epoch(order, 9, 0, 5));
    }
  }

  @Test
  void refusals() throws IOException {
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor rows = rows(arena, 100);
      Exception e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new BlockOrder(arena, rows, ROW_BYTES, 5, 0, 7, true));
      assertEquals(
          "64 bytes of rows in memory at a time do not hold two rows of 64 bytes", e.getMessage());
      e =
          assertThrows(
              IllegalArgumentException.class,
              () -> new BlockOrder(arena, rows, 1000 * ROW_BYTES, 5, 0.001, 7, true));
      assertTrue(
          e.getMessage().contains("at least one block must be on each side"), e.getMessage());
    }
  }

  /** Rows of other memory cannot be released, and numbers out of range name themselves. */
  @Test
  void argumentsAtTheirLimits() throws IOException {
    try (TensorArena arena = TensorArena.open("rows")) {
      Tensor rows = rows(arena, 100);
      Tensor other = arena.allocate("other", DType.F32, 100, COLS);
      long before = arena.bytes();
      assertRefused("'other'", () -> new BlockOrder(arena, other, 10 * ROW_BYTES, 5, 0, 7, true));
      assertRefused("found 100, 0", () -> new BlockOrder(arena, rows, 640, 0, 0, 7, true));
      assertRefused("NaN", () -> new BlockOrder(arena, rows, 640, 5, Double.NaN, 7, true));
      assertRefused("found 0", () -> new BlockOrder(arena, rows.rows(0, 0), 640, 5, 0, 7, true));
      assertEquals(before, arena.bytes());

      BlockOrder order = new BlockOrder(arena, rows, 10 * ROW_BYTES, 5, 0, 7, true);
      assertRefused("-1", () -> order.begin(-1));
      order.begin(0);
      assertRefused("7 positions from 8 on", () -> order.locate(8, 7));
      long[][] outside = {
        {100, 1}, {96, 5}, {-1, 1}, {0, -1}, {Long.MAX_VALUE, 1}, {1, Long.MAX_VALUE}
      };
      for (long[] range : outside) {
        for (Executable call :
            List.<Executable>of(
                () -> order.locate(range[0], range[1]),
                () -> order.contiguousFrom(range[0], range[1]))) {
          String text = assertThrows(IndexOutOfBoundsException.class, call).getMessage();
          assertTrue(text.contains("[%d".formatted(range[0])) && text.contains("'rows'"), text);
        }
      }
      assertEquals(100, new TreeSet<>(epoch(order, 0, 0, 5)).size());
    }
  }

  private static void assertRefused(String part, Executable call) {
    String text = assertThrows(IllegalArgumentException.class, call).getMessage();
    assertTrue(text.contains(part), text);
  }
}
