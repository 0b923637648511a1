package dev.panagrad.random;

import dev.panagrad.random.TensorProgram.Held;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/** Calls that make one tensor of another, or of memory, and that compare two of them. */
final class ViewCalls {
  private final TensorProgram program;

  ViewCalls(TensorProgram program) {
    this.program = program;
  }

  void one(Choices choices, Held held) {
    switch (choices.below(8)) {
      case 0 -> rows(choices, held);
      case 1 -> columns(choices, held);
      case 2 -> slice(choices, held);
      case 3 -> reshape(choices, held);
      case 4 -> wrap(choices);
      case 5 -> buffer(choices);
      default -> overlap(choices, held);
    }
  }

  private void keep(Held held, Tensor view, TensorModel model) {
    if (view != null) {
      program.hold(held.as(view, model));
    }
  }

  private void rows(Choices choices, Held held) {
    TensorModel m = held.model();
    long first = choices.near(m.rows());
    long count = choices.near(Math.max(0, m.rows() - Math.clamp(first, 0, m.rows())));
    program.call(() -> "%s.rows(%d, %d)".formatted(held.tensor(), first, count));
    boolean isInside = first >= 0 && count >= 0 && first <= m.rows() - count;
    Tensor view = program.expect().outsideIf(!isInside).of(() -> held.tensor().rows(first, count));
    if (isInside) {
      long[] extents = m.extents().clone();
      extents[0] = count;
      keep(held, view, new TensorModel(m.dtype(), m.at(first, 0), m.stride(), extents));
    }
  }

  private void columns(Choices choices, Held held) {
    TensorModel m = held.model();
    long first = choices.near(m.cols());
    long count = choices.near(Math.max(0, m.cols() - Math.clamp(first, 0, m.cols())));
    program.call(() -> "%s.columns(%d, %d)".formatted(held.tensor(), first, count));
    boolean isInside = first >= 0 && count >= 0 && first <= m.cols() - count;
    boolean isMatrix = m.extents().length == 2;
    Tensor view =
        program
            .expect()
            .illegalIf(!isMatrix)
            .outsideIf(!isInside)
            .of(() -> held.tensor().columns(first, count));
    if (view != null) {
      keep(held, view, new TensorModel(m.dtype(), m.at(0, first), m.stride(), m.rows(), count));
    }
  }

  private void slice(Choices choices, Held held) {
    TensorModel m = held.model();
    long first = choices.near(m.count());
    long[] extents =
        shape(choices, Math.max(0, m.count() - Math.clamp(first, 0, m.count())), false);
    program.call(
        () -> "%s.slice(%d, %s)".formatted(held.tensor(), first, Arrays.toString(extents)));
    Long count = count(extents);
    Tensor view =
        program
            .expect()
            .illegalIf(!m.isContiguous() || count == null)
            .outsideIf(count != null && (first < 0 || first > m.count() - count))
            .of(() -> held.tensor().slice(first, extents));
    if (view != null) {
      long start = m.start() + first * m.dtype().bytes();
      keep(held, view, TensorModel.contiguous(m.dtype(), start, extents));
    }
  }

  private void reshape(Choices choices, Held held) {
    TensorModel m = held.model();
    long[] extents = shape(choices, m.count(), true);
    program.call(() -> "%s.reshape(%s)".formatted(held.tensor(), Arrays.toString(extents)));
    Long count = count(extents);
    Tensor view =
        program
            .expect()
            .illegalIf(count == null || count != m.count() || !m.isContiguous())
            .of(() -> held.tensor().reshape(extents));
    if (view != null) {
      keep(held, view, TensorModel.contiguous(m.dtype(), m.start(), extents));
    }
  }

  /** Extents of at most, or mostly of exactly, that many elements; now and then impossible ones. */
  private static long[] shape(Choices choices, long most, boolean isExact) {
    if (choices.oneIn(12)) {
      return switch (choices.below(4)) {
        case 0 -> new long[0];
        case 1 -> new long[] {3, -1};
        case 2 -> new long[] {1L << 32, 1L << 32};
        default -> new long[] {choices.near(most), choices.near(3)};
      };
    }
    if (!isExact) {
      return TensorProgram.extents(choices, most);
    }
    long factor = 1 + choices.below(8L);
    return switch (choices.below(4)) {
      case 0 -> new long[] {most};
      case 1 -> new long[] {1, most};
      case 2 -> new long[] {most, 1, 1};
      default -> new long[] {factor, most / factor};
    };
  }

  /** Elements of these extents; null if there can be no such shape. */
  private static Long count(long[] extents) {
    if (extents.length == 0 || Arrays.stream(extents).anyMatch(e -> e < 0)) {
      return null;
    }
    if (Arrays.stream(extents).anyMatch(e -> e == 0)) {
      return 0L;
    }
    long count = 1;
    for (long extent : extents) {
      if (extent > Long.MAX_VALUE / count) {
        return null;
      }
      count *= extent;
    }
    return count;
  }

  private void wrap(Choices choices) {
    DType dtype = choices.any(DType.values());
    long start = choices.below(64);
    long bytes = choices.below(512);
    boolean isHeap = choices.oneIn(8);
    long[] extents = shape(choices, choices.below(80L), true);
    program.call(
        () ->
            "wrap(%s at %d of %d bytes, %s, %s)"
                .formatted(
                    isHeap ? "heap" : "memory", start, bytes, dtype, Arrays.toString(extents)));
    MemorySegment segment =
        isHeap ? MemorySegment.ofArray(new byte[512]) : program.memory.asSlice(start, bytes);
    Long count = count(extents);
    Tensor t =
        program
            .expect()
            .illegalIf(
                isHeap
                    || start % dtype.bytes() != 0
                    || count == null
                    || count > bytes / dtype.bytes())
            .of(() -> Tensor.wrap("wrapped", segment, dtype, extents));
    if (t != null) {
      TensorModel model = TensorModel.contiguous(dtype, start, extents);
      program.hold(new Held(t, model, TensorProgram.Place.ALIVE));
    }
  }

  private void buffer(Choices choices) {
    boolean isDirect = !choices.oneIn(4);
    boolean isNative = !choices.oneIn(4);
    int position = choices.below(20);
    DType dtype = choices.any(DType.values());
    long count = choices.below(20L);
    program.call(() -> "wrap(buffer from %d, %s, %d)".formatted(position, dtype, count));
    ByteBuffer buffer = isDirect ? program.memory.asByteBuffer() : ByteBuffer.allocate(512);
    buffer.order(isNative ? ByteOrder.nativeOrder() : opposite()).position(position);
    Tensor t =
        program
            .expect()
            .illegalIf(!isDirect || !isNative || position % dtype.bytes() != 0)
            .of(() -> Tensor.wrap("buffer", buffer, dtype, count));
    if (t != null) {
      TensorModel model = TensorModel.contiguous(dtype, position, count);
      program.hold(new Held(t, model, TensorProgram.Place.ALIVE));
    }
  }

  private static ByteOrder opposite() {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN
        ? ByteOrder.BIG_ENDIAN
        : ByteOrder.LITTLE_ENDIAN;
  }

  /** Exactly what bytes say where rows repeat alike, else what spans say. */
  private void overlap(Choices choices, Held held) {
    Held other = choices.from(program.pool);
    if (!held.isUsable() || !other.isUsable()) {
      return;
    }
    program.call(() -> "%s.overlaps(%s)".formatted(held.tensor(), other.tensor()));
    TensorModel a = held.model();
    TensorModel b = other.model();
    boolean found = held.tensor().overlaps(other.tensor());
    boolean isLikeRows =
        held.tensor().rowStride() * a.dtype().bytes()
            == other.tensor().rowStride() * b.dtype().bytes();
    boolean expected = a.spansMeet(b) && (!isLikeRows || a.shares(b));
    if (found != expected || found != other.tensor().overlaps(held.tensor())) {
      throw new AssertionError(
          "overlaps is %s for %s and %s, and %s the other way"
              .formatted(found, a, b, other.tensor().overlaps(held.tensor())));
    }
    program.expect().illegalIf(found).run(() -> held.tensor().requireDisjoint(other.tensor()));
  }
}
