package dev.panagrad.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who owns memory, when it ends, and what is said about memory that nobody ended. */
class TensorArenaTest {
  /** 12 GiB of F32: beyond what an int can index, in elements and in rows. */
  private static final long BEYOND_INT = 3L << 30;

  @Test
  void memoryIsZeroedAndAligned() {
    try (TensorArena arena = TensorArena.open("aligned")) {
      for (long count : new long[] {0, 1, 15, 16, 17, 1000}) {
        for (DType dtype : DType.values()) {
          Tensor x = arena.allocate("x", dtype, count);
          assertEquals(0, x.segment().address() % TensorArena.ALIGNMENT_BYTES);
          for (long i = 0; i < count; i++) {
            assertEquals(0, dtype == DType.I64 ? x.getLong(i) : x.get(i));
          }
        }
      }
    }
  }

  @Test
  void indexesBeyondTwoToThe31(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("sparse.f32");
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(BEYOND_INT * Float.BYTES);
    }
    try (TensorArena arena = TensorArena.open("large")) {
      Tensor x = arena.map("large", file, MapMode.READ_WRITE, 0, DType.F32, BEYOND_INT / 2, 2);
      x.set(BEYOND_INT - 1, 42);
      assertEquals(42, x.get(BEYOND_INT / 2 - 1, 1));
      assertEquals(42, x.rows(BEYOND_INT / 2 - 3, 3).get(2, 1));
      assertEquals(42, x.reshape(BEYOND_INT).slice(BEYOND_INT - 1, 1).get(0));
      assertEquals(0, x.get(BEYOND_INT - 2));
      assertThrows(IndexOutOfBoundsException.class, () -> x.get(BEYOND_INT));
    }
    try (RandomAccessFile written = new RandomAccessFile(file.toFile(), "r")) {
      written.seek((BEYOND_INT - 1) * Float.BYTES);
      assertEquals(Float.floatToIntBits(42), Integer.reverseBytes(written.readInt()));
    }
  }

  @Test
  void mappingRefusesShortFilesAndOddOffsets(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("short.bin"), new byte[40]);
    try (TensorArena arena = TensorArena.open("mapped")) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> arena.map("m", file, MapMode.READ_ONLY, 8, DType.F32, 9))
              .getMessage();
      assertTrue(message.contains("36") && message.contains("40"), message);
      assertThrows(
          IllegalArgumentException.class,
          () -> arena.map("m", file, MapMode.READ_ONLY, 2, DType.F32, 1));
      try (FileChannel channel = FileChannel.open(file)) {
        String text =
            assertThrows(
                    IllegalArgumentException.class,
                    () -> arena.map("m", channel, MapMode.PRIVATE, 0, DType.F32, 1))
                .getMessage();
        assertEquals(
            "tensor 'm': mode PRIVATE needs a channel that is open for reading and writing", text);
      }
      Tensor locked = arena.map("locked", file, MapMode.READ_ONLY, 0, DType.F32, 10);
      assertThrows(IllegalArgumentException.class, () -> locked.fill(1));
      Tensor own = arena.map("private", file, MapMode.PRIVATE, 0, DType.F32, 10);
      own.fill(1);
      assertEquals(0, Files.readAllBytes(file)[3]);
    }
  }

  @Test
  void refusesUseAfterCloseAndNamesTheTensor() {
    TensorArena arena = TensorArena.open("session");
    Tensor x = arena.allocate("weights", DType.F32, 4);
    Tensor view = x.slice(1, 2).named("view");
    arena.close();
    arena.close();
    assertFalse(arena.isOpen());
    for (Tensor t : List.of(x, view)) {
      String message = assertThrows(IllegalStateException.class, () -> t.get(0)).getMessage();
      assertTrue(message.contains(t.name()) && message.contains("session"), message);
      assertThrows(IllegalStateException.class, () -> t.set(0, 1));
      assertThrows(IllegalStateException.class, t::toArray);
    }
    String message =
        assertThrows(IllegalStateException.class, () -> arena.allocate("more", DType.F32, 1))
            .getMessage();
    assertTrue(message.contains("more") && message.contains("session"), message);
  }

  @Test
  void trackedArenaSaysWhere() {
    TensorArena arena = TensorArena.openTracked("tracked");
    Tensor x = arena.allocate("weights", DType.F32, 4);
    assertTrue(arena.report().contains("TensorArenaTest.java"), arena.report());
    arena.close();
    String message = assertThrows(IllegalStateException.class, () -> x.get(0)).getMessage();
    assertTrue(message.contains("trackedArenaSaysWhere"), message);
  }

  @Test
  void reportListsLargestFirst() {
    try (TensorArena arena = TensorArena.open("report")) {
      arena.allocate("small", DType.F32, 2);
      arena.allocate("large", DType.F64, 1000);
      assertEquals(8008, arena.bytes());
      String report = arena.report();
      assertTrue(report.startsWith("arena 'report': 8,008 bytes in 2 tensors"), report);
      assertTrue(report.indexOf("large") < report.indexOf("small"), report);
    }
  }

  @Test
  void closesWhatIsAttachedNewestFirst() {
    List<String> closed = new ArrayList<>();
    TensorArena arena = TensorArena.open("attached");
    arena.attach(() -> closed.add("first"));
    arena.attach(() -> closed.add("second"));
    arena.close();
    assertEquals(List.of("second", "first"), closed);
  }

  @Test
  void freesMemoryEvenIfAnAttachedResourceFails() {
    TensorArena arena = TensorArena.open("failing");
    arena.attach(
        () -> {
          throw new IOException("device lost");
        });
    IllegalStateException e = assertThrows(IllegalStateException.class, arena::close);
    assertEquals("device lost", e.getCause().getMessage());
    assertFalse(arena.isOpen());
  }

  @Test
  void overflowIsRefusedBeforeAnythingChanges() {
    try (TensorArena arena = TensorArena.open("overflow")) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> arena.allocate("huge", DType.F64, 1L << 32, 1L << 30))
              .getMessage();
      assertTrue(message.contains("F64") && message.contains("4294967296"), message);
      assertEquals(0, arena.bytes());
    }
  }

  /** Collection is asked for until the report comes; it must come within a minute. */
  @Test
  void leakIsReported() throws InterruptedException {
    CountDownLatch reported = new CountDownLatch(1);
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            String text = entry.getMessage();
            if (text.contains("leak") && text.contains("forgotten") && text.contains("lost")) {
              reported.countDown();
            }
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    Logger log = Logger.getLogger(TensorArena.class.getName());
    log.addHandler(handler);
    boolean toParents = log.getUseParentHandlers();
    log.setUseParentHandlers(false);
    try {
      leak();
      for (int second = 0; second < 60 && reported.getCount() > 0; second++) {
        System.gc();
        boolean done = reported.await(1, TimeUnit.SECONDS);
        assertEquals(done, reported.getCount() == 0);
      }
      assertEquals(0, reported.getCount(), "leak report within a minute");
    } finally {
      log.removeHandler(handler);
      log.setUseParentHandlers(toParents);
    }
  }

  private static void leak() {
    TensorArena.open("forgotten").allocate("lost", DType.F32, 10);
  }
}
