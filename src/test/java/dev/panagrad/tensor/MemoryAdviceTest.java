package dev.panagrad.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Advice reaches the pages of read-only mappings of an arena, and no other memory. */
class MemoryAdviceTest {
  private static final List<Consumer<Tensor>> ALL =
      List.of(MemoryAdvice::willNeed, MemoryAdvice::inSmallPages, MemoryAdvice::release);

  private TensorArena arena;

  @TempDir private Path folder;

  @BeforeEach
  void open() {
    arena = TensorArena.open("advice");
  }

  @AfterEach
  void close() {
    arena.close();
  }

  private Tensor map(FileChannel.MapMode mode, long offset, long count) throws IOException {
    Path file = folder.resolve("bytes.bin");
    byte[] bytes = new byte[3 << 20];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i % 251);
    }
    Files.write(file, bytes);
    return arena.map("bytes", file, mode, offset, DType.U8, count);
  }

  private static void assertRefused(Tensor tensor) {
    double[] before = tensor.toArray();
    for (Consumer<Tensor> advice : ALL) {
      String text =
          assertThrows(IllegalArgumentException.class, () -> advice.accept(tensor)).getMessage();
      assertTrue(text.contains("'" + tensor.name() + "'") && text.contains("READ_ONLY"), text);
    }
    assertEquals(List.of(), differences(before, tensor));
  }

  private static List<Integer> differences(double[] expected, Tensor tensor) {
    return IntStream.range(0, expected.length)
        .filter(i -> expected[i] != tensor.get(i))
        .boxed()
        .limit(3)
        .toList();
  }

  @Test
  void memoryThatIsNoFileIsRefused() {
    try (Arena memory = Arena.ofShared()) {
      MemorySegment segment = memory.allocate(3_000_000, 64).fill((byte) 7);
      assertRefused(Tensor.wrap("wrapped", segment.asReadOnly(), DType.U8, 3_000_000));
      assertRefused(Tensor.wrap("writable", segment, DType.U8, 3_000_000));
    }
    assertRefused(arena.allocate("allocated", DType.U8, 3_000_000).fill(7));
  }

  @Test
  void otherMappingsAreRefused() throws IOException {
    Tensor copy = map(FileChannel.MapMode.PRIVATE, 0, 1 << 20);
    copy.set(5, 42);
    assertRefused(copy);
    assertRefused(Tensor.wrap("view", copy.segment().asReadOnly(), DType.U8, 1 << 20));
    assertRefused(map(FileChannel.MapMode.READ_WRITE, 0, 1 << 20));
    Tensor readOnly = map(FileChannel.MapMode.READ_ONLY, 0, 1 << 20);
    assertRefused(Tensor.wrap("segment", readOnly.segment(), DType.U8, 1 << 20));
  }

  /** The values are those of the file whatever part of the mapping was released. */
  @Test
  void adviceChangesNoValue() throws IOException {
    Tensor rows = map(FileChannel.MapMode.READ_ONLY, 12_345, 2_000_000);
    double[] before = rows.toArray();
    for (Consumer<Tensor> advice : ALL) {
      advice.accept(rows);
      advice.accept(rows.rows(1, 1));
      advice.accept(rows.rows(999_999, 1_000_001).named("other"));
      advice.accept(rows.rows(2_000_000, 0));
      assertEquals(List.of(), differences(before, rows));
    }
  }

  @Test
  void closedMemoryIsNamed() throws IOException {
    Tensor rows = map(FileChannel.MapMode.READ_ONLY, 0, 1 << 20);
    arena.close();
    for (Consumer<Tensor> advice : ALL) {
      String text =
          assertThrows(IllegalStateException.class, () -> advice.accept(rows)).getMessage();
      assertTrue(text.contains("'bytes' was used after arena 'advice' was closed"), text);
    }
  }

  /** An arena that is closed meanwhile: advice is given before that, or refused. */
  @Test
  void closingWaitsForAdvice() throws Exception {
    for (int round = 0; round < 50; round++) {
      TensorArena mapped = TensorArena.open("mapped");
      Path file = folder.resolve("small.bin");
      Files.write(file, new byte[1 << 16]);
      Tensor rows = mapped.map("rows", file, FileChannel.MapMode.READ_ONLY, 0, DType.U8, 1L << 16);
      CompletableFuture<Void> advised =
          CompletableFuture.runAsync(
              () -> {
                while (true) {
                  MemoryAdvice.release(rows);
                }
              });
      Thread.sleep(1);
      mapped.close();
      Exception e = assertThrows(Exception.class, advised::get);
      assertEquals(IllegalStateException.class, e.getCause().getClass(), () -> e.toString());
    }
  }
}
