package dev.panagrad.tensor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** One flat allocation: aligned views, exempt ones at the end, padding in between. */
class ParametersTest {
  @Test
  void laysOutViewsOnCacheLines() {
    try (TensorArena arena = TensorArena.open("layout")) {
      Parameters.Layout layout =
          Parameters.layout().add("w1", 3, 5).addExempt("b1", 3).add("w2", 17).addExempt("b2", 1);
      for (DType dtype : List.of(DType.F32, DType.F64)) {
        Parameters p = layout.allocate(arena, "p", dtype);
        assertEquals(List.of("w1", "b1", "w2", "b2"), p.names());
        for (String name : p.names()) {
          Tensor view = p.view(name).fill(name.equals("b1") ? 2 : 1);
          long address = view.segment().address() + view.byteOffset();
          assertEquals(0, address % TensorArena.ALIGNMENT_BYTES, name);
        }
        assertEquals(Shape.of(3, 5), p.view("w1").shape());
        double sum = 0;
        for (double value : p.flat().toArray()) {
          sum += value;
        }
        assertEquals(15 + 17 + 1 + 3 * 2, sum);
        long split = p.penalizedCount();
        assertEquals(0, p.flat().slice(0, split).overlaps(p.view("b1")) ? 1 : 0);
        assertTrue(p.flat().slice(0, split).overlaps(p.view("w2")));
        assertEquals(p.flat().count(), layout.count(dtype));
        Parameters twin = p.like(arena, "g");
        assertEquals(p.view("b2").byteOffset(), twin.view("b2").byteOffset());
      }
    }
  }

  @Test
  void refusalsNameWhatThereIs() {
    try (TensorArena arena = TensorArena.open("layout")) {
      Parameters.Layout layout = Parameters.layout().add("w", 3);
      assertThrows(IllegalArgumentException.class, () -> layout.add("w", 4));
      Parameters p = layout.allocate(arena, "p", DType.F32);
      String message = assertThrows(IllegalArgumentException.class, () -> p.view("v")).getMessage();
      assertTrue(message.contains("'v'") && message.contains("[w]"), message);
      assertThrows(IllegalStateException.class, () -> layout.add("late", 1));
      assertThrows(
          IllegalArgumentException.class,
          () -> Parameters.layout().allocate(arena, "e", DType.F32));
      assertThrows(IllegalArgumentException.class, () -> layout.allocate(arena, "i", DType.I64));
      Tensor small = arena.allocate("small", DType.F32, 3);
      assertThrows(IllegalArgumentException.class, () -> layout.over(small));
    }
  }

  /** Sizes that overflow are refused with the name, and nothing is allocated by what is refused. */
  @Test
  void sizesThatOverflow() {
    try (TensorArena arena = TensorArena.open("layout")) {
      for (Parameters.Layout layout :
          List.of(
              Parameters.layout().add("w", Long.MAX_VALUE),
              Parameters.layout().add("v", 1L << 62).addExempt("w", 1L << 62),
              Parameters.layout().add("v", 3).add("w", Long.MAX_VALUE - 14))) {
        for (Executable call :
            List.<Executable>of(
                () -> layout.allocate(arena, "p", DType.F64), () -> layout.count(DType.F32))) {
          String text = assertThrows(IllegalArgumentException.class, call).getMessage();
          assertTrue(text.contains("'w'") && text.contains("2^63 - 1"), text);
        }
      }
      Parameters.Layout layout = Parameters.layout().add("w", 3);
      assertThrows(IllegalArgumentException.class, () -> layout.allocate(arena, "i", DType.I64));
      assertEquals(0, arena.bytes());
    }
  }
}
