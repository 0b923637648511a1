package dev.panagrad.random;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Random calls of tensors: views, elements, copies, layouts of parameters. A model by arithmetic of
 * its own says how each call is to end, and an image of the memory what every byte is afterwards.
 */
final class TensorProgram extends Program {
  static final int BYTES = 1024;
  private static final int MOST_TENSORS = 24;
  private static final int CALLS = 100;

  /** Where a tensor's bytes are, and who may use them. */
  enum Place {
    ALIVE,
    READ_ONLY,
    CLOSED,
    CONFINED
  }

  /** A tensor with what it is to be. */
  record Held(Tensor tensor, TensorModel model, Place place) {
    boolean isUsable() {
      return place == Place.ALIVE || place == Place.READ_ONLY;
    }

    /** Reasons that do not let its bytes be read. */
    Expectation readable(Expectation expected) {
      return expected
          .refusedIf(place == Place.CLOSED, IllegalStateException.class)
          .refusedIf(place == Place.CONFINED, WrongThreadException.class);
    }

    Expectation writable(Expectation expected) {
      return readable(expected).illegalIf(place == Place.READ_ONLY);
    }

    /** The same place seen as something else. */
    Held as(Tensor view, TensorModel viewed) {
      return new Held(view, viewed, place);
    }
  }

  private final Arena arena = Arena.ofShared();
  final MemorySegment memory = arena.allocate(BYTES, 64);

  /** What the bytes of the memory are to be. */
  final MemorySegment image = MemorySegment.ofArray(new byte[BYTES]);

  private final Outcasts outcasts = new Outcasts(BYTES);
  final List<Held> pool = new ArrayList<>();
  private final ViewCalls views = new ViewCalls(this);
  private final ElementCalls elements = new ElementCalls(this);
  private final LayoutCalls layouts = new LayoutCalls(this);

  TensorProgram() {
    super("tensors");
  }

  @Override
  void run(Choices choices) {
    for (int i = 0; i < BYTES; i++) {
      memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 37));
    }
    image.copyFrom(memory);
    pool.clear();
    for (DType dtype : DType.values()) {
      wrap(choices, Place.ALIVE, dtype);
      wrap(choices, Place.ALIVE, dtype);
    }
    for (Place place : Place.values()) {
      wrap(choices, place, choices.any(DType.values()));
    }
    for (int i = 0; i < CALLS; i++) {
      Held held = choices.from(pool);
      switch (choices.below(8)) {
        case 0, 1, 2 -> views.one(choices, held);
        case 3 -> layouts.one(choices);
        default -> elements.one(choices, held);
      }
      compare();
    }
  }

  private void wrap(Choices choices, Place place, DType dtype) {
    call(() -> "wrap " + place + " " + dtype);
    MemorySegment bytes =
        switch (place) {
          case ALIVE -> memory;
          case READ_ONLY -> memory.asReadOnly();
          case CLOSED -> outcasts.closed;
          case CONFINED -> outcasts.confined;
        };
    long start = choices.below(16) * 8L;
    long[] extents = extents(choices, (BYTES - start) / dtype.bytes());
    String name = place + " " + dtype;
    Tensor tensor = Tensor.wrap(name, bytes.asSlice(start), dtype, extents);
    hold(new Held(tensor, TensorModel.contiguous(dtype, start, extents), place));
  }

  /** A shape of at most that many elements, of rank 1 to 3. */
  static long[] extents(Choices choices, long most) {
    long first = choices.below((int) Math.min(40, most + 1));
    long second = choices.below((int) Math.min(12, most / Math.max(1, first) + 1));
    long third = choices.below((int) Math.min(4, most / Math.max(1, first * second) + 1));
    return switch (choices.below(5)) {
      case 0, 1 -> new long[] {first};
      case 2, 3 -> new long[] {first, second};
      default -> new long[] {first, second, third};
    };
  }

  /** Takes a view into the pool, after its description was compared. */
  void hold(Held held) {
    Tensor t = held.tensor;
    TensorModel m = held.model;
    boolean isAsExpected =
        t.dtype() == m.dtype()
            && Arrays.equals(t.shape().extents(), m.extents())
            && t.count() == m.count()
            && t.rows() == m.rows()
            && t.cols() == m.cols()
            && t.isContiguous() == m.isContiguous()
            && (m.rows() <= 1 || t.rowStride() == m.stride());
    if (!isAsExpected) {
      throw new AssertionError(t + " of row stride " + t.rowStride() + " is not " + m);
    }
    if (pool.size() < MOST_TENSORS) {
      pool.add(held);
    } else {
      pool.set(pool.size() / 2 + (int) (t.count() % (pool.size() / 2)), held);
    }
  }

  /** Fails unless every byte is what the image says. */
  private void compare() {
    long at = memory.mismatch(image);
    if (at >= 0) {
      throw new AssertionError("byte %d is not what the call was to leave".formatted(at));
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
