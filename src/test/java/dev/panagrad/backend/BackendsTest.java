package dev.panagrad.backend;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Which backend is opened, who may choose it, and that a refusal shows the table. */
@Tag("first")
class BackendsTest {
  @AfterEach
  void forget() {
    System.clearProperty(Backends.PROPERTY);
  }

  private static String opened(String name) {
    try (Backend backend = Backends.open(name, new BackendOptions(1))) {
      return backend.name();
    }
  }

  @Test
  void bestRankComesFirst() {
    List<Integer> ranks = Backends.entries().stream().map(Backends.Entry::rank).toList();
    assertEquals(ranks.stream().sorted((a, b) -> b - a).toList(), ranks);
    assertEquals("simd", opened("auto"));
    assertEquals("simd", opened(null));
    assertTrue(Backends.table().lines().anyMatch(line -> line.startsWith("simd      *")));
  }

  @Test
  void namedBackendIsOpenedOrRefused() {
    assertEquals("scalar", opened("scalar"));
    assertEquals("scalar", opened(" SCALAR "));
    String message =
        assertThrows(BackendUnavailableException.class, () -> opened("cuda12")).getMessage();
    assertTrue(
        message.contains("'cuda12'") && message.contains("scalar") && message.contains("simd"),
        message);
  }

  @Test
  void propertyIsTheDefaultAndTheCallerWins() {
    System.setProperty(Backends.PROPERTY, "scalar");
    assertEquals("scalar", opened(null));
    assertEquals("simd", opened("simd"));
    System.setProperty(Backends.PROPERTY, " ");
    assertEquals("simd", opened(null));
    System.setProperty(Backends.PROPERTY, "typo");
    assertThrows(BackendUnavailableException.class, () -> opened(null));
  }

  @Test
  void threadsAreChecked() {
    assertThrows(IllegalArgumentException.class, () -> new BackendOptions(0));
    assertThrows(IllegalArgumentException.class, () -> new BackendOptions(-1));
    assertThrows(IllegalArgumentException.class, () -> new BackendOptions(5000));
    assertEquals(
        Math.min(Runtime.getRuntime().availableProcessors(), BackendOptions.MAX_THREADS),
        BackendOptions.defaults().threads());
  }

  @Test
  void hostBackendsPlaceWithoutCopyAndCountCopies() {
    try (Backend backend = Backends.open("scalar", new BackendOptions(1));
        TensorArena arena = TensorArena.open("place")) {
      Tensor x = arena.allocate("x", DType.F32, 4).fill(2);
      assertEquals(x, backend.place(arena, x));
      assertEquals(0, backend.trace().copies());
      Tensor y = backend.allocate(arena, "y", DType.F32, Shape.of(4));
      backend.copy(x, y);
      assertEquals(2, y.get(3));
      assertEquals(1, backend.trace().copies());
      assertEquals(16, backend.trace().copiedBytes());
      Tensor wide = arena.allocate("wide", DType.F64, 4);
      assertThrows(IllegalArgumentException.class, () -> backend.copy(x, wide));
    }
  }

  @Test
  void closingTwiceIsHarmless() {
    for (String name : List.of("scalar", "simd")) {
      Backend backend = Backends.open(name, new BackendOptions(2));
      backend.close();
      backend.close();
      try (TensorArena arena = TensorArena.open("late")) {
        Tensor x = arena.allocate("x", DType.F32, 4);
        String message =
            assertThrows(IllegalStateException.class, () -> backend.linear().norm2(x)).getMessage();
        assertEquals("backend '%s' was closed; open another one".formatted(name), message);
      }
    }
  }
}
