package dev.panagrad.random;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/** Gradients of random programs: those that fit, and those that a step is to refuse. */
final class Gradients {
  static final int WRONG_KINDS = 9;

  private final GuardedMemory memory;
  private final Outcasts outcasts;
  private Tensor good;
  private Tensor otherType;
  private Tensor wide;

  Gradients(GuardedMemory memory, Outcasts outcasts) {
    this.memory = memory;
    this.outcasts = outcasts;
  }

  /** A gradient of that length, now and then with elements that are no numbers. */
  Tensor fitting(Choices choices, Tensor flat) {
    if (good == null || good.count() != flat.count() || good.dtype() != flat.dtype() || isGone()) {
      long count = flat.count();
      good = memory.tensor("g", flat.dtype(), choices.below(4), choices.coin(), count);
      DType other = flat.dtype() == DType.F32 ? DType.F64 : DType.F32;
      otherType = memory.tensor("g of another type", other, 0, false, count);
      wide = memory.matrix("g with gaps", flat.dtype(), 0, count, 1, 1);
    }
    randomize(choices, good, true);
    return good;
  }

  /** Whether the memory has been cleared since. */
  private boolean isGone() {
    return !memory.holds(good);
  }

  static void randomize(Choices choices, Tensor t, boolean isAny) {
    boolean isSpecial = isAny && t.count() > 0 && choices.oneIn(12);
    double size = choices.oneIn(4) ? choices.magnitude(1e-6, 1e3) : 1;
    double huge = t.dtype() == DType.F32 ? 1e15 : 1e120;
    for (long i = 0; i < t.count(); i++) {
      t.set(i, size * choices.gaussian());
    }
    for (int i = 0; isSpecial && i < 3; i++) {
      double value =
          choices.number(
              Double.NaN,
              Double.POSITIVE_INFINITY,
              huge,
              -huge,
              0,
              -0.0,
              t.dtype().minNormal() / 4);
      t.set(choices.below(t.count()), value);
    }
  }

  /** A gradient that does not fit; null if there is none of that kind. */
  Tensor wrong(int kind, Optimizer optimizer, Tensor fitting) {
    Tensor flat = optimizer.parameters().flat();
    long count = flat.count();
    boolean hasElements = count > 0 || kind == 0 || kind == 6 || kind == 7;
    if (!hasElements) {
      return null; // any other has none either
    }
    return switch (kind) {
      case 0 -> otherType;
      case 1 -> count < 2 ? null : fitting.slice(0, count - 1);
      case 2 -> count < 2 ? null : wide;
      case 3 -> flat;
      case 4 -> optimizer.averaged() == null ? null : optimizer.averaged().flat();
      case 5 ->
          optimizer.state().stream()
              .filter(t -> t.dtype() == flat.dtype() && t.count() == count)
              .findFirst()
              .orElse(null);
      case 6 -> Tensor.wrap("closed g", outcasts.closed, flat.dtype(), count);
      case 7 -> Tensor.wrap("confined g", outcasts.confined, flat.dtype(), count);
      default -> fitting.rows(0, 0);
    };
  }
}
