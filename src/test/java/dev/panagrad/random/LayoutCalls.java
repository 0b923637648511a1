package dev.panagrad.random;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Layouts of parameters over memory that exists. */
final class LayoutCalls {
  private final TensorProgram program;

  LayoutCalls(TensorProgram program) {
    this.program = program;
  }

  /** A parameter of a layout. */
  private static final class Entry {
    private final String name;
    private final boolean isExempt;
    private final long[] extents;

    Entry(String name, boolean isExempt, long... extents) {
      this.name = name;
      this.isExempt = isExempt;
      this.extents = extents;
    }

    String name() {
      return name;
    }

    @Override
    public String toString() {
      return (isExempt ? "exempt " : "") + name + Arrays.toString(extents);
    }

    /** Elements up to the next 64-byte boundary. */
    long padded(DType dtype) {
      long unit = 64 / dtype.bytes();
      return (TensorModel.contiguous(dtype, 0, extents).count() + unit - 1) / unit * unit;
    }
  }

  void one(Choices choices) {
    DType dtype = choices.any(DType.values());
    List<Entry> entries = new ArrayList<>();
    int most = choices.below(5);
    for (int i = 0; i < most; i++) {
      entries.add(new Entry("p" + i, choices.coin(), TensorProgram.extents(choices, 60)));
    }
    Parameters.Layout layout = Parameters.layout();
    for (Entry entry : entries) {
      if (entry.isExempt) {
        layout.addExempt(entry.name, entry.extents);
      } else {
        layout.add(entry.name, entry.extents);
      }
    }
    if (most > 0) {
      program.call(() -> "a second 'p0' in " + entries);
      program.expect().illegalIf(true).run(() -> layout.add("p0", 3));
    }
    long count = entries.stream().mapToLong(entry -> entry.padded(dtype)).sum();
    long given = choices.oneIn(8) ? count + 1 : count;
    if (given * dtype.bytes() > TensorProgram.BYTES) {
      return;
    }
    Tensor flat = Tensor.wrap("flat", program.memory, dtype, given);
    program.call(() -> "layout of %s over %s".formatted(entries, flat));
    Parameters parameters =
        program
            .expect()
            .illegalIf(entries.isEmpty() || given != count || !dtype.isFloating())
            .of(() -> layout.over(flat));
    if (parameters != null) {
      compare(entries, dtype, parameters);
      program.call(() -> "another parameter in a layout that is in use");
      program
          .expect()
          .refusedIf(true, IllegalStateException.class)
          .run(() -> layout.add("late", 3));
      program.expect().illegalIf(true).run(() -> parameters.view("none of them"));
    }
  }

  /** Penalized parameters first, each group in the order of its names, each from a boundary on. */
  private void compare(List<Entry> entries, DType dtype, Parameters parameters) {
    long at = 0;
    for (boolean isExempt : new boolean[] {false, true}) {
      for (Entry entry : entries) {
        if (entry.isExempt == isExempt) {
          program.hold(
              new TensorProgram.Held(
                  parameters.view(entry.name),
                  TensorModel.contiguous(dtype, at * dtype.bytes(), entry.extents),
                  TensorProgram.Place.ALIVE));
          Tensor view = parameters.view(entry.name);
          if (view.count() > 0 && view.byteOffset() != at * dtype.bytes()) {
            throw new AssertionError(view + " is at byte " + view.byteOffset());
          }
          at += entry.padded(dtype);
        }
      }
      if (!isExempt && parameters.penalizedCount() != at) {
        throw new AssertionError("penalized are " + parameters.penalizedCount() + ", not " + at);
      }
    }
    List<String> names = entries.stream().map(Entry::name).toList();
    if (!parameters.names().equals(names)) {
      throw new AssertionError(parameters.names() + " are not " + names);
    }
  }
}
