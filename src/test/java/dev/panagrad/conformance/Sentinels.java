package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/**
 * Tensors that lie between sentinel elements, at any element offset; a write outside is found by
 * {@link #check}.
 */
final class Sentinels implements AutoCloseable {
  private static final int AROUND = 32;
  private static final double VALUE = 12345;
  private static final double SMALL_VALUE = 77;

  private record Held(Tensor whole, long offset, long count) {}

  /**
   * Closing an arena stops all threads, which takes longer than most of these tests' calls: one
   * arena serves until it holds this much.
   */
  private static final long ARENA_BYTES = 1 << 26;

  private static TensorArena arena = TensorArena.open("sentinels");
  private static long arenaBytes;
  private static int users;

  private final List<Held> held = new ArrayList<>();

  Sentinels() {
    users++;
  }

  Tensor tensor(String name, DType dtype, long elementOffset, long... extents) {
    long count = Shape.of(extents).count();
    Tensor whole = arena.allocate(name, dtype, count + 2 * AROUND + elementOffset);
    arenaBytes += whole.spanBytes();
    whole.fill(value(dtype));
    long offset = AROUND + elementOffset;
    held.add(new Held(whole, offset, count));
    Tensor inner = whole.slice(offset, extents);
    inner.fill(0);
    return inner;
  }

  /** One that the type holds exactly. */
  private static double value(DType dtype) {
    return dtype == DType.BF16 || dtype == DType.U8 ? SMALL_VALUE : VALUE;
  }

  void check(String what) {
    for (Held h : held) {
      double value = value(h.whole.dtype());
      for (long i = 0; i < h.whole.count(); i++) {
        i += i == h.offset ? h.count : 0;
        if (h.whole.get(i) != value) {
          assertEquals(
              value, h.whole.get(i), what + ": a byte outside '" + h.whole.name() + "' at " + i);
        }
      }
    }
  }

  @Override
  public void close() {
    users--;
    if (users == 0 && arenaBytes > ARENA_BYTES) {
      arena.close();
      arena = TensorArena.open("sentinels");
      arenaBytes = 0;
    }
  }
}
