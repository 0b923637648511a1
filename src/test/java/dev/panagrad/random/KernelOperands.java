package dev.panagrad.random;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Operands of one random call: in any form, place and alignment that the documentation allows, and
 * now and then one in a way that is to be refused.
 */
final class KernelOperands {
  /** What is wrong with the one that is. */
  private enum Fault {
    OTHER_TYPE,
    LONGER,
    GAPS,
    CLOSED,
    CONFINED,
    READ_ONLY,
    OVERLAP
  }

  final Choices choices;
  private final GuardedMemory memory;
  private final Outcasts outcasts;
  private final List<Tensor> inputs = new ArrayList<>();
  private final List<Tensor> outputs = new ArrayList<>();
  final DType dtype;
  final boolean isSpecial;
  private final Fault fault;
  private int untilFault;
  private String refusal;
  private boolean isOfAnyLength;
  private boolean isAlone;
  private boolean isRowMissing;

  KernelOperands(Choices choices, GuardedMemory memory, Outcasts outcasts) {
    this.choices = choices;
    this.memory = memory;
    this.outcasts = outcasts;
    dtype = choices.floating();
    isSpecial = choices.oneIn(12);
    fault = choices.oneIn(4) ? choices.any(Fault.values()) : null;
    untilFault = choices.below(6);
  }

  /** Why the call must be refused; null if it must not. */
  String refusal() {
    return refusal;
  }

  /** Notes a reason to refuse the call. */
  void refuse(String reason) {
    refusal = refusal == null ? reason : refusal;
  }

  /** Notes that the index has a number that is no row. */
  void missRow() {
    isRowMissing = true;
    refuse("a number that is no row");
  }

  /** Whether the exception may name any of several numbers. */
  boolean isRowMissing() {
    return isRowMissing;
  }

  /** A vector of random numbers, in one of the forms of a vector. */
  Tensor vector(String name, long count) {
    return input(name, dtype, true, form(count));
  }

  /** Targets of one output, as a vector of one extent. */
  Tensor target(long count) {
    return input("y", dtype, false, count);
  }

  /** Numbers of rows. */
  Tensor index(long count, long rows) {
    Tensor t = input("index", DType.I64, true, form(rows == 0 ? 0 : count));
    if (t.dtype() == DType.I64 && readable(t) && !t.isReadOnly()) {
      for (long i = 0; i < t.count(); i++) {
        t.setLong(i, choices.below(Math.max(1, rows)));
      }
    }
    return t;
  }

  /** A matrix of random numbers, perhaps with gaps between its rows. */
  Tensor matrix(String name, long rows, long cols) {
    return input(name, dtype, false, rows, cols);
  }

  /** A matrix of random numbers without gaps. */
  Tensor contiguous(String name, long rows, long cols) {
    return input(name, dtype, true, rows, cols);
  }

  Tensor outputVector(String name, DType type, long count) {
    return output(name, type, true, form(count));
  }

  Tensor outputMatrix(String name, boolean isContiguous, long... extents) {
    return output(name, dtype, isContiguous, extents);
  }

  List<Tensor> outputs() {
    return outputs;
  }

  /** Says of the next operand that one with more rows is right too, and so is no fault. */
  KernelOperands ofAnyLength() {
    isOfAnyLength = true;
    return this;
  }

  /** Says of the next operand that there is no other, whose type it must have. */
  KernelOperands alone() {
    isAlone = true;
    return this;
  }

  /** Whether this thread may read a tensor. */
  static boolean readable(Tensor t) {
    return t.segment().scope().isAlive() && t.segment().isAccessibleBy(Thread.currentThread());
  }

  private long[] form(long count) {
    return switch (choices.below(6)) {
      case 0 -> new long[] {count, 1};
      case 1 -> new long[] {1, count};
      default -> new long[] {count};
    };
  }

  private boolean isFaulty() {
    return fault != null && untilFault-- == 0;
  }

  private Tensor input(String name, DType type, boolean isContiguous, long... extents) {
    Tensor t = isFaulty() ? faulty(name, type, isContiguous, false, extents) : null;
    if (t == null) {
      t = plain(name, type, isContiguous, extents);
      fill(t);
    }
    isOfAnyLength = false;
    isAlone = false;
    inputs.add(t);
    return t;
  }

  private Tensor output(String name, DType type, boolean isContiguous, long... extents) {
    Tensor t = isFaulty() ? faulty(name, type, isContiguous, true, extents) : null;
    if (t == null) {
      t = plain(name, type, isContiguous, extents);
      fill(t);
    }
    isAlone = false;
    outputs.add(t);
    return t;
  }

  private Tensor plain(String name, DType type, boolean isContiguous, long... extents) {
    int shift = choices.oneIn(3) ? choices.below(8) : 0;
    return isContiguous || extents.length != 2 || choices.coin()
        ? memory.tensor(name, type, shift, choices.oneIn(4), extents)
        : memory.matrix(name, type, shift, extents[0], extents[1], 1 + choices.below(5));
  }

  /** A tensor with the fault; null if it is none for this operand. */
  private Tensor faulty(
      String name, DType type, boolean isContiguous, boolean isOutput, long... extents) {
    long rows = extents[0];
    long count = TensorModel.contiguous(type, 0, extents).count();
    return switch (fault) {
      case OTHER_TYPE -> {
        refuse(name + " is of another type");
        yield memory.tensor(name, choices.from(others(type)), 0, false, extents);
      }
      case LONGER -> {
        if (isOfAnyLength) {
          yield null;
        }
        refuse(name + " has a row more");
        long[] longer = extents.clone();
        longer[0] = rows + 1;
        yield memory.tensor(name, type, 0, false, longer);
      }
      case GAPS -> {
        if (!isContiguous || rows < 2 || count == 0) {
          yield null;
        }
        refuse(name + " has gaps");
        yield memory.matrix(name, type, 0, rows, count / rows, 3);
      }
      case CLOSED -> {
        refuse(name + " is closed");
        yield Tensor.wrap(name, outcasts.closed, type, extents);
      }
      case CONFINED -> {
        refuse(name + " is another thread's");
        yield Tensor.wrap(name, outcasts.confined, type, extents);
      }
      case READ_ONLY -> {
        if (isOutput) {
          refuse(name + " cannot be written");
        }
        Tensor t = memory.tensor(name, type, 0, true, extents);
        fill(t);
        yield Tensor.wrap(name, t.segment().asReadOnly(), type, extents);
      }
      case OVERLAP -> {
        List<Tensor> others = new ArrayList<>(isOutput ? inputs : List.of());
        others.addAll(outputs);
        others.removeIf(other -> other.count() == 0 || !memory.contains(other));
        if (others.isEmpty() || count == 0) {
          yield null;
        }
        Tensor other = choices.from(others);
        refuse(name + " overlaps " + other.name());
        yield memory.over(other, name, type, extents);
      }
    };
  }

  private List<DType> others(DType type) {
    return Arrays.stream(DType.values())
        .filter(t -> t != type && !(isAlone && t.isFloating()))
        .toList();
  }

  private void fill(Tensor t) {
    double huge = t.dtype() == DType.F32 ? 1e30 : 1e200;
    for (long i = 0; i < t.rows(); i++) {
      for (long j = 0; j < t.cols() && t.dtype().isFloating(); j++) {
        t.set(i, j, choices.gaussian());
      }
    }
    if (isSpecial && t.count() > 0 && t.dtype().isFloating()) {
      for (int i = 0; i < 2; i++) {
        double value =
            choices.number(
                Double.NaN,
                Double.POSITIVE_INFINITY,
                huge,
                -huge,
                0,
                -0.0,
                t.dtype().minNormal() / 8);
        t.set(choices.below(t.count()), value);
      }
    }
  }

  /** A factor of a call; exact in both types. */
  double factor() {
    return choices.number(0, 1, -0.5, 1.5, 2);
  }
}
