package dev.panagrad.random;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * One step of the optimizer that runs first, which is the scalar definition where there is one, and
 * what the steps of others may differ from it.
 */
final class StepComparison {
  /** Elements that are compared, at most; bits are compared of all. */
  private static final long COMPARED = 200;

  private final OptimizerOptions options;
  private final double[] p;
  private final double[] g;
  private final double[] average;
  private final List<double[]> states = new ArrayList<>();

  /** Before the step. */
  StepComparison(OptimizerRun run, OptimizerOptions options, Tensor gradient) {
    this.options = options;
    p = run.parameters().flat().toArray();
    g = gradient.toArray();
    average = run.optimizer.averaged() == null ? null : run.optimizer.averaged().flat().toArray();
    for (int s = 0; s < run.optimizer.rule().slots().size(); s++) {
      double[] values = new double[p.length];
      for (int i = 0; i < p.length; i++) {
        values[i] = run.kept(s, i);
      }
      states.add(values);
    }
  }

  /** After the step: fails if another run is further from the reference than roundings explain. */
  void compare(OptimizerRun reference, OptimizerRun other) {
    Optimizer optimizer = reference.optimizer;
    boolean isF32 = reference.parameters().flat().dtype().bytes() == Float.BYTES;
    double unit = isF32 ? 0x1p-24 : 0x1p-53;
    double factor = StepNumbers.clipFactor(g, options.clipNorm());
    // LinearConformanceTest's bound of a norm.
    double normError = factor < 1 || Double.isNaN(factor) ? (g.length + 8) * unit : 0;
    if (!Double.isFinite(factor)) {
      return;
    }
    Tensor flat = reference.parameters().flat();
    for (String name : reference.parameters().names()) {
      Tensor view = reference.parameters().view(name);
      StepTolerance tolerance =
          new StepTolerance(
              optimizer.rule(), StepNumbers.of(optimizer, options, name, factor), normError);
      long first = (view.byteOffset() - flat.byteOffset()) / flat.dtype().bytes();
      long step = Math.max(1, view.count() / COMPARED);
      for (long i = first; i < first + view.count(); i += step) {
        if (isStepped(optimizer, i)) {
          element(tolerance, reference, other, Math.toIntExact(i), unit);
        }
      }
    }
  }

  /** Whether an element's state is rounded once only: not if two calls share a compact block. */
  private boolean isStepped(Optimizer optimizer, long i) {
    if (!optimizer.stateFormat().isCompact()) {
      return true;
    }
    long start = i / StateFormat.BLOCK * StateFormat.BLOCK;
    long split = optimizer.parameters().penalizedCount();
    return optimizer.groups().isEmpty() && (split <= start || split >= start + StateFormat.BLOCK);
  }

  private void element(
      StepTolerance tolerance, OptimizerRun reference, OptimizerRun other, int i, double unit) {
    double[] state = new double[states.size()];
    boolean isOrdinary = tolerance.isOrdinary(p[i]) && tolerance.isOrdinary(g[i]);
    for (int s = 0; s < state.length; s++) {
      state[s] = states.get(s)[i];
      isOrdinary &= tolerance.isOrdinary(state[s]);
    }
    double expected = reference.parameters().flat().get(i);
    double found = other.parameters().flat().get(i);
    if (!isOrdinary) {
      boolean isNaN = Double.isNaN(p[i]) || Double.isNaN(g[i]);
      if (isNaN && !(Double.isNaN(expected) && Double.isNaN(found))) {
        throw different(other, "parameter", i, expected, found, 0);
      }
      return;
    }
    if (!tolerance.find(p[i], g[i], state)) {
      return;
    }
    if (!(Math.abs(expected - found) <= tolerance.p)) {
      throw different(other, "parameter", i, expected, found, tolerance.p);
    }
    for (int s = 0; s < state.length; s++) {
      double a = reference.kept(s, i);
      double b = other.kept(s, i);
      // A NaN elsewhere in a block of a compact format makes this one NaN too.
      if (!(Double.isNaN(a) && Double.isNaN(b))
          && !(Math.abs(a - b) <= tolerance.states[s] + codes(reference, s, a, b))) {
        throw different(other, "state " + s, i, a, b, tolerance.states[s]);
      }
    }
    if (average != null) {
      double a = reference.optimizer.averaged().flat().get(i);
      double b = other.optimizer.averaged().flat().get(i);
      // Two roundings each, LinearConformanceTest's bound of lerp, and what the parameters differ.
      double bound = 8 * unit * (Math.abs(average[i]) + Math.abs(expected)) + tolerance.p;
      if (!(Math.abs(a - b) <= bound)) {
        throw different(other, "average", i, a, b, bound);
      }
    }
  }

  /**
   * Two codes of a compact format: one where a number lay at the edge of being rounded the other
   * way, and one where the largest number of the block did.
   */
  private static double codes(OptimizerRun run, int slot, double a, double b) {
    double largest = Math.max(Math.abs(a), Math.abs(b));
    boolean isNonNegative = run.optimizer.rule().isNonNegative(slot);
    return switch (run.optimizer.stateFormat()) {
      case SAME -> 0;
      case BF16 -> 2.01 / 128 * largest;
      case INT8_BLOCKWISE -> 2.01 * (isNonNegative ? 0.125 : 0.25) * largest;
    };
  }

  private AssertionError different(
      OptimizerRun other, String what, int i, double expected, double found, double bound) {
    List<Double> before = states.stream().map(values -> values[i]).toList();
    return new AssertionError(
        "%s: %s of element %d is %s where the first has %s, more than %s apart; before: p %s g %s state %s; %s; %s"
            .formatted(
                other.engine,
                what,
                i,
                found,
                expected,
                bound,
                p[i],
                g[i],
                before,
                other.optimizer,
                options));
  }
}
