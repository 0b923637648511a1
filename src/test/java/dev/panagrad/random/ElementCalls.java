package dev.panagrad.random;

import dev.panagrad.random.TensorProgram.Held;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Calls that read and write elements, one or all. */
final class ElementCalls {
  private final TensorProgram program;

  ElementCalls(TensorProgram program) {
    this.program = program;
  }

  void one(Choices choices, Held held) {
    switch (choices.below(9)) {
      case 0 -> get(choices, held);
      case 1 -> getAt(choices, held);
      case 2 -> set(choices, held);
      case 3 -> setAt(choices, held);
      case 4 -> longs(choices, held);
      case 5 -> fill(choices, held);
      case 6 -> arrays(choices, held);
      default -> copy(choices, held);
    }
  }

  private void require(double expected, double found) {
    if (Double.doubleToLongBits(expected) != Double.doubleToLongBits(found)) {
      throw new AssertionError("expected " + expected + ", found " + found);
    }
  }

  private void get(Choices choices, Held held) {
    long index = choices.near(held.model().count());
    program.call(() -> "%s.get(%d)".formatted(held.tensor(), index));
    Double found =
        held.readable(program.expect())
            .outsideIf(!held.model().isInside(index))
            .of(() -> held.tensor().get(index));
    if (found != null) {
      require(held.model().load(program.image, held.model().at(index)), found);
    }
  }

  private void getAt(Choices choices, Held held) {
    long row = choices.near(held.model().rows());
    long col = choices.near(held.model().cols());
    program.call(() -> "%s.get(%d, %d)".formatted(held.tensor(), row, col));
    Double found =
        held.readable(program.expect())
            .outsideIf(!held.model().isInside(row, col))
            .of(() -> held.tensor().get(row, col));
    if (found != null) {
      require(held.model().load(program.image, held.model().at(row, col)), found);
    }
  }

  private void set(Choices choices, Held held) {
    long index = choices.near(held.model().count());
    double value = choices.value();
    program.call(() -> "%s.set(%d, %s)".formatted(held.tensor(), index, value));
    Expectation expected =
        held.writable(program.expect())
            .outsideIf(!held.model().isInside(index))
            .illegalIf(!TensorModel.accepts(held.model().dtype(), value));
    expected.run(() -> held.tensor().set(index, value));
    if (!expected.isRefused()) {
      stored(held, held.model().at(index), value);
    }
  }

  private void setAt(Choices choices, Held held) {
    long row = choices.near(held.model().rows());
    long col = choices.near(held.model().cols());
    double value = choices.value();
    program.call(() -> "%s.set(%d, %d, %s)".formatted(held.tensor(), row, col, value));
    Expectation expected =
        held.writable(program.expect())
            .outsideIf(!held.model().isInside(row, col))
            .illegalIf(!TensorModel.accepts(held.model().dtype(), value));
    expected.run(() -> held.tensor().set(row, col, value));
    if (!expected.isRefused()) {
      stored(held, held.model().at(row, col), value);
    }
  }

  /** Notes a value in the image; of a NaN any payload is right. */
  private void stored(Held held, long at, double value) {
    TensorModel model = held.model();
    if (Double.isNaN(value)) {
      require(Double.NaN, model.load(program.memory, at));
      MemorySegment.copy(program.memory, at, program.image, at, model.dtype().bytes());
    } else {
      model.store(program.image, at, value);
    }
  }

  private void longs(Choices choices, Held held) {
    long index = choices.near(held.model().count());
    long value = choices.bits();
    program.call(() -> "%s.setLong(%d, %d)".formatted(held.tensor(), index, value));
    boolean isOther = held.model().dtype() != DType.I64;
    boolean isOutside = !held.model().isInside(index);
    Expectation expected = held.writable(program.expect()).illegalIf(isOther).outsideIf(isOutside);
    expected.run(() -> held.tensor().setLong(index, value));
    Long found =
        held.readable(program.expect())
            .illegalIf(isOther)
            .outsideIf(isOutside)
            .of(() -> held.tensor().getLong(index));
    if (!expected.isRefused()) {
      program.image.set(ValueLayout.JAVA_LONG_UNALIGNED, held.model().at(index), value);
      if (found != value) {
        throw new AssertionError("found " + found);
      }
    }
  }

  private void fill(Choices choices, Held held) {
    double value = choices.value();
    program.call(() -> "%s.fill(%s)".formatted(held.tensor(), value));
    TensorModel m = held.model();
    Expectation expected =
        held.writable(program.expect())
            .illegalIf(m.count() > 0 && !TensorModel.accepts(m.dtype(), value));
    expected.run(() -> held.tensor().fill(value));
    for (long i = 0; i < m.count() && !expected.isRefused(); i++) {
      stored(held, m.at(i), value);
    }
  }

  private static boolean isAccepted(DType dtype, double[] values) {
    return Arrays.stream(values).allMatch(value -> TensorModel.accepts(dtype, value));
  }

  private void arrays(Choices choices, Held held) {
    TensorModel m = held.model();
    double[] values = new double[Math.toIntExact(m.count() + (choices.oneIn(6) ? 1 : 0))];
    for (int i = 0; i < values.length; i++) {
      values[i] = m.dtype().isFloating() || choices.oneIn(200) ? choices.value() : i % 256;
    }
    program.call(() -> "%s.copyFrom(%d numbers)".formatted(held.tensor(), values.length));
    boolean isTouched = values.length > 0;
    Expectation expected =
        (isTouched ? held.writable(program.expect()) : program.expect())
            .illegalIf(values.length != m.count() || !isAccepted(m.dtype(), values));
    expected.run(() -> held.tensor().copyFrom(values));
    for (int i = 0; i < values.length && !expected.isRefused(); i++) {
      stored(held, m.at(i), values[i]);
    }
    if (m.count() > 0) {
      double[] found = held.readable(program.expect()).of(() -> held.tensor().toArray());
      for (int i = 0; found != null && i < found.length; i++) {
        require(m.load(program.image, m.at(i)), found[i]);
      }
    }
  }

  /** Copies between tensors of any types and forms, over one another too. */
  private void copy(Choices choices, Held to) {
    Held from = other(choices, to);
    program.call(() -> "%s.copyFrom(%s)".formatted(to.tensor(), from.tensor()));
    TensorModel a = from.model();
    TensorModel b = to.model();
    boolean isLike = Arrays.equals(a.extents(), b.extents());
    boolean isSame = a.dtype() == b.dtype();
    boolean isBlock = isSame && a.isContiguous() && b.isContiguous();
    double[] values = new double[Math.toIntExact(isLike && from.isUsable() ? a.count() : 0)];
    for (int i = 0; i < values.length; i++) {
      values[i] = a.load(program.image, a.at(i));
    }
    boolean isOver = from.isUsable() && to.isUsable() && from.tensor().overlaps(to.tensor());
    Expectation expected =
        to.writable(from.readable(program.expect()))
            .illegalIf(!isLike || !(isSame || isAccepted(b.dtype(), values)))
            .illegalIf(!isBlock && isOver);
    expected.run(() -> to.tensor().copyFrom(from.tensor()));
    if (expected.isRefused()) {
      return;
    }
    if (isBlock) {
      MemorySegment.copy(
          program.image, a.start(), program.image, b.start(), a.count() * a.dtype().bytes());
      return;
    }
    for (int i = 0; i < values.length; i++) {
      if (isSame && b.dtype() == DType.I64) {
        // No double holds all of them.
        MemorySegment.copy(program.image, a.at(i), program.image, b.at(i), Long.BYTES);
      } else {
        stored(to, b.at(i), values[i]);
      }
    }
  }

  /** Mostly one that can have the same shape. */
  private Held other(Choices choices, Held to) {
    Held other = choices.from(program.pool);
    TensorModel m = other.model();
    long[] extents = to.model().extents();
    if (m.isContiguous() && m.count() >= to.model().count() && !choices.oneIn(8)) {
      Tensor view = other.tensor().slice(0, extents);
      return other.as(view, TensorModel.contiguous(m.dtype(), m.start(), extents));
    }
    return other;
  }
}
