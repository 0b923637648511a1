package dev.panagrad.tensor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Views share memory, wrapped memory is not copied, and every refusal says what it found. */
@Tag("first")
class TensorTest {
  private static String refused(Class<? extends Throwable> type, Runnable action) {
    return assertThrows(type, action::run).getMessage();
  }

  private static void contains(String message, String... parts) {
    for (String part : parts) {
      assertTrue(message.contains(part), "'" + part + "' in: " + message);
    }
  }

  /** Rows of columns of rows: an element is where index arithmetic on the whole says it is. */
  @Property
  void viewsAgreeWithTheWhole(
      @ForAll @IntRange(min = 1, max = 12) int rows,
      @ForAll @IntRange(min = 1, max = 12) int cols,
      @ForAll @IntRange(max = 11) int rowSeed,
      @ForAll @IntRange(max = 11) int colSeed,
      @ForAll boolean wide) {
    int firstRow = rowSeed % rows;
    int firstCol = colSeed % cols;
    try (TensorArena arena = TensorArena.open("views")) {
      Tensor whole = arena.allocate("x", wide ? DType.F64 : DType.F32, rows, cols);
      for (long i = 0; i < whole.count(); i++) {
        whole.set(i, (double) i);
      }
      Tensor view = whole.rows(firstRow, rows - firstRow).columns(firstCol, cols - firstCol);
      for (int i = 0; i < view.rows(); i++) {
        for (int j = 0; j < view.cols(); j++) {
          assertEquals((double) (firstRow + i) * cols + firstCol + j, view.get(i, j));
          assertEquals(view.get(i, j), view.get((long) i * view.cols() + j));
        }
      }
      view.set(0, 0, -1);
      assertEquals(-1, whole.get(firstRow, firstCol));
      assertTrue(view.overlaps(whole));
      assertEquals(view.isContiguous(), firstCol == 0 || view.rows() == 1);
      Tensor copy = arena.allocate("copy", DType.F64, view.rows(), view.cols()).copyFrom(view);
      assertArrayEquals(view.toArray(), copy.toArray());
    }
  }

  @Test
  void sliceAndReshapeShareMemory() {
    try (TensorArena arena = TensorArena.open("views")) {
      Tensor x = arena.allocate("x", DType.F32, 6, 4);
      Tensor middle = x.slice(4, 2, 4);
      middle.fill(3);
      assertEquals(8 * 3, Arrays.stream(x.toArray()).sum());
      assertEquals(3, x.reshape(24).get(11));
      contains(refused(IllegalArgumentException.class, () -> x.reshape(5, 5)), "x", "24", "[5, 5]");
      contains(
          refused(IllegalArgumentException.class, () -> x.columns(1, 2).reshape(12)),
          "x",
          "row stride");
      contains(refused(IndexOutOfBoundsException.class, () -> x.slice(20, 5)), "x", "24");
    }
  }

  @Test
  void refusesWhatIsOutside() {
    try (TensorArena arena = TensorArena.open("bounds")) {
      Tensor x = arena.allocate("x", DType.F32, 6, 4);
      contains(refused(IndexOutOfBoundsException.class, () -> x.rows(5, 2)), "x", "6", "5 + 2");
      contains(refused(IndexOutOfBoundsException.class, () -> x.rows(-1, 2)), "x");
      refused(IndexOutOfBoundsException.class, () -> x.rows(Long.MAX_VALUE, 2));
      refused(IndexOutOfBoundsException.class, () -> x.rows(1, Long.MAX_VALUE));
      contains(refused(IndexOutOfBoundsException.class, () -> x.columns(3, 2)), "x", "4");
      contains(refused(IndexOutOfBoundsException.class, () -> x.get(24)), "x", "[6, 4]", "24");
      refused(IndexOutOfBoundsException.class, () -> x.get(0, 4));
      refused(IndexOutOfBoundsException.class, () -> x.get(6, 0));
      refused(IndexOutOfBoundsException.class, () -> x.set(-1, 0));
      contains(
          refused(IllegalArgumentException.class, () -> x.slice(0, 8).columns(0, 1)), "matrix");
    }
  }

  @Test
  void refusesWrongShapeTypeAndCount() {
    try (TensorArena arena = TensorArena.open("checks")) {
      Tensor x = arena.allocate("x", DType.F32, 6, 4);
      Tensor y = arena.allocate("y", DType.F64, 4, 6);
      contains(
          refused(IllegalArgumentException.class, () -> x.copyFrom(y)), "x", "[6, 4]", "[4, 6]");
      contains(refused(IllegalArgumentException.class, () -> x.copyFrom(1, 2)), "x", "24", "2");
      contains(
          refused(IllegalArgumentException.class, () -> x.requireDType(DType.F64)), "x", "F32");
      contains(refused(IllegalArgumentException.class, () -> x.getLong(0)), "x", "F32", "I64");
      contains(refused(IllegalArgumentException.class, () -> x.requireDisjoint(x.rows(5, 1))), "x");
      x.rows(0, 3).requireDisjoint(x.rows(3, 3));
    }
  }

  /** Columns of one table interleave without sharing a byte. */
  @Test
  void overlapIsOfElements() {
    try (TensorArena arena = TensorArena.open("columns")) {
      Tensor table = arena.allocate("table", DType.F32, 5, 4);
      Tensor x = table.columns(0, 3);
      assertFalse(x.overlaps(table.columns(3, 1)));
      assertFalse(table.columns(3, 1).overlaps(x));
      assertTrue(x.overlaps(table.columns(2, 2)));
      assertTrue(table.columns(2, 2).overlaps(x));
      assertFalse(x.rows(0, 2).overlaps(x.rows(2, 3)));
      assertTrue(x.overlaps(table.rows(1, 2).columns(0, 1)));
      contains(
          refused(
              IllegalArgumentException.class,
              () -> table.columns(1, 3).copyFrom(table.columns(0, 3))),
          "share memory");
      table.columns(0, 1).copyFrom(table.columns(1, 1));
    }
  }

  @Test
  void indicesKeepAllBits() {
    try (TensorArena arena = TensorArena.open("indices")) {
      Tensor index = arena.allocate("index", DType.I64, 2);
      index.setLong(1, Long.MAX_VALUE);
      assertEquals(Long.MAX_VALUE, index.getLong(1));
    }
  }

  @Test
  void convertsBetweenTypes() {
    try (TensorArena arena = TensorArena.open("types")) {
      Tensor wide = arena.allocate("wide", DType.F64, 3).copyFrom(0.1, -2.5, 1e300);
      Tensor narrow = arena.allocate("narrow", DType.F32, 3).copyFrom(wide);
      assertArrayEquals(new double[] {0.1f, -2.5, Double.POSITIVE_INFINITY}, narrow.toArray());
    }
  }

  @Test
  void wrapsWithoutCopy() {
    try (Arena arena = Arena.ofShared()) {
      MemorySegment memory = arena.allocate(64, 64);
      Tensor x = Tensor.wrap("mine", memory.asSlice(8), DType.F32, 2, 3);
      x.set(1, 2, 7);
      assertEquals(7f, memory.get(ValueLayout.JAVA_FLOAT, 8 + 5 * 4));
      contains(
          refused(IllegalArgumentException.class, () -> Tensor.wrap("mine", memory, DType.F32, 17)),
          "mine",
          "68",
          "64");
      contains(
          refused(
              IllegalArgumentException.class,
              () -> Tensor.wrap("mine", memory.asSlice(2), DType.F32, 3)),
          "mine",
          "multiple of 4");
      contains(
          refused(
              IllegalArgumentException.class,
              () -> Tensor.wrap("mine", MemorySegment.ofArray(new float[4]), DType.F32, 4)),
          "mine",
          "heap");
      Tensor locked = Tensor.wrap("locked", memory.asReadOnly(), DType.F32, 16);
      contains(
          refused(IllegalArgumentException.class, () -> locked.set(0, 1)), "locked", "read-only");
      assertEquals(0, locked.get(0));
    }
  }

  @Test
  void wrapsDirectBuffers() {
    ByteBuffer buffer = ByteBuffer.allocateDirect(64).order(ByteOrder.nativeOrder());
    buffer.putFloat(16, 5).position(16).limit(32);
    assertEquals(5, Tensor.wrap("b", buffer, DType.F32, 4).get(0));
    contains(
        refused(IllegalArgumentException.class, () -> Tensor.wrap("b", buffer, DType.F32, 5)),
        "b",
        "20",
        "16");
    contains(
        refused(
            IllegalArgumentException.class,
            () -> Tensor.wrap("b", ByteBuffer.allocate(64), DType.F32, 4)),
        "allocateDirect");
    ByteOrder other =
        ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
            ? ByteOrder.BIG_ENDIAN
            : ByteOrder.LITTLE_ENDIAN;
    contains(
        refused(
            IllegalArgumentException.class,
            () -> Tensor.wrap("b", ByteBuffer.allocateDirect(64).order(other), DType.F32, 4)),
        other.toString());
  }

  @Test
  void refusesBorrowedMemoryAfterItsEnd() {
    Tensor x;
    try (Arena arena = Arena.ofShared()) {
      x = Tensor.wrap("late", arena.allocate(64, 64), DType.F32, 4);
    }
    contains(refused(IllegalStateException.class, () -> x.get(0)), "late", "closed");
  }

  @Test
  void refusesConfinedMemoryOnAnotherThread() throws InterruptedException {
    try (Arena arena = Arena.ofConfined()) {
      Tensor x = Tensor.wrap("mine", arena.allocate(64, 64), DType.F32, 4);
      assertFalse(((HostStorage) x.storage()).isShareable());
      AtomicReference<Throwable> thrown = new AtomicReference<>();
      Thread thread =
          new Thread(
              () -> {
                try {
                  x.set(0, 1);
                } catch (RuntimeException e) {
                  thrown.set(e);
                }
              },
              "stranger");
      thread.start();
      thread.join();
      assertEquals(WrongThreadException.class, thrown.get().getClass());
      contains(thrown.get().getMessage(), "mine", "stranger");
      assertEquals(0, x.get(0));
    }
  }

  /** A copy that is refused has copied nothing, also where only a later element is refused. */
  @Test
  void refusedCopiesWriteNothing() {
    try (TensorArena arena = TensorArena.open("copies")) {
      Tensor values = arena.allocate("values", DType.F64, 3).copyFrom(1, 2, 2.5);
      for (DType dtype : List.of(DType.I64, DType.U8)) {
        Tensor whole = arena.allocate("whole", dtype, 3);
        for (Executable copy :
            List.<Executable>of(
                () -> whole.copyFrom(values), () -> whole.copyFrom(1, 2, Double.NaN))) {
          String text = assertThrows(IllegalArgumentException.class, copy).getMessage();
          assertTrue(text.contains("'whole' holds " + dtype), text);
          assertArrayEquals(new double[3], whole.toArray());
        }
      }
    }
  }

  /** Copies between integers are of their bytes, with gaps between rows too. */
  @Test
  void copiesOfIntegersAreExact() {
    try (TensorArena arena = TensorArena.open("copies")) {
      Tensor gaps = arena.allocate("gaps", DType.I64, 3, 2).columns(0, 1);
      long[] values = {(1L << 53) + 1, Long.MAX_VALUE, Long.MIN_VALUE};
      for (int i = 0; i < 3; i++) {
        gaps.setLong(i, values[i]);
      }
      Tensor dense = arena.allocate("dense", DType.I64, 3, 1).copyFrom(gaps);
      gaps.fill(0).copyFrom(dense);
      for (int i = 0; i < 3; i++) {
        assertEquals(values[i], dense.getLong(i));
        assertEquals(values[i], gaps.getLong(i));
      }
      dense.set(0, -0x1p63);
      assertEquals(Long.MIN_VALUE, dense.getLong(0));
      Tensor rows = arena.allocate("rows", DType.F64, 1L << 40, 0);
      rows.fill(1).copyFrom(arena.allocate("none", DType.F32, 1L << 40, 0));
    }
  }
}
