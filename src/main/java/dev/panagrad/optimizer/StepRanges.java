package dev.panagrad.optimizer;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;

/**
 * The parts of the flat parameters that are stepped with numbers of their own: penalized ones and
 * exempt ones, each cut where the group changes.
 *
 * <pre>
 *   no groups     |  penalized              |  exempt  |      one call of the kernel
 *   with groups   |  others  | group | others |  exempt  |    one call for each
 * </pre>
 */
final class StepRanges {
  private static final Penalty NO_PENALTY = Penalty.none();

  private final Tensor flat;
  private final UpdateRule rule;
  private final double clipValue;
  private final boolean hasGroups;
  private final Range[] ranges;

  /** The numbers that one part of the parameters is stepped with. */
  private record Range(
      long first,
      long count,
      double rateFactor,
      double decay,
      Penalty penalty,
      StepCoefficients coefficients) {
    boolean isLike(Range other) {
      return rateFactor == other.rateFactor
          && decay == other.decay
          && penalty.equals(other.penalty);
    }

    Range with(Range next) {
      return new Range(first, count + next.count, rateFactor, decay, penalty, coefficients);
    }
  }

  private StepRanges(Tensor flat, Optimizer.Builder options, List<Range> ranges) {
    this.flat = flat;
    this.rule = options.rule;
    this.clipValue = options.clipValue;
    this.hasGroups = !options.groups.isEmpty();
    this.ranges = ranges.toArray(Range[]::new);
  }

  /** The parts of these parameters; throws if a group matches none of them. */
  static StepRanges of(Parameters parameters, Optimizer.Builder options) {
    Tensor flat = parameters.flat();
    List<Range> ranges = new ArrayList<>();
    for (ParameterGroup group : options.groups) {
      if (parameters.names().stream().noneMatch(group::matches)) {
        throw new IllegalArgumentException(
            "group '%s' matches none of the parameters; there are %s"
                .formatted(group.pattern(), parameters.names()));
      }
    }
    if (options.groups.isEmpty()) {
      long split = parameters.penalizedCount();
      double decay = options.rule.weightDecay();
      add(
          ranges,
          new Range(0, split, 1, decay, options.penalty, new StepCoefficients(flat.dtype())));
      add(
          ranges,
          new Range(
              split, flat.count() - split, 1, 0, NO_PENALTY, new StepCoefficients(flat.dtype())));
    } else {
      addGrouped(ranges, parameters, options);
    }
    return new StepRanges(flat, options, ranges);
  }

  private static void addGrouped(
      List<Range> ranges, Parameters parameters, Optimizer.Builder options) {
    Tensor flat = parameters.flat();
    long unit = TensorArena.ALIGNMENT_BYTES / flat.dtype().bytes();
    for (boolean isExempt : new boolean[] {false, true}) {
      for (String name : parameters.names()) {
        Tensor view = parameters.view(name);
        long first = (view.byteOffset() - flat.byteOffset()) / flat.dtype().bytes();
        if (isExempt != (first >= parameters.penalizedCount())) {
          continue;
        }
        ParameterGroup group = options.groupOf(name);
        double decay =
            Double.isNaN(group.weightDecay()) ? options.rule.weightDecay() : group.weightDecay();
        Penalty own = group.penalty() == null ? options.penalty : group.penalty();
        add(
            ranges,
            new Range(
                first,
                Math.ceilDiv(view.count(), unit) * unit,
                group.rateFactor(),
                isExempt ? 0 : decay,
                isExempt ? NO_PENALTY : own,
                new StepCoefficients(flat.dtype())));
      }
    }
  }

  /** Adds a part that is not empty, to the one before if both have the same numbers. */
  private static void add(List<Range> ranges, Range next) {
    if (next.count() == 0) {
      return;
    }
    if (!ranges.isEmpty() && ranges.getLast().isLike(next)) {
      ranges.add(ranges.removeLast().with(next));
    } else {
      ranges.add(next);
    }
  }

  /** Whether the kernel may take over clipping by norm, which it does for one call. */
  boolean isOneCall() {
    return !hasGroups && ranges.length > 0;
  }

  /** Computes the numbers of a step; an ArithmeticException if a rate is negative or not finite. */
  void prepare(long step, double rate) {
    boolean decoupled = rule.isDecayDecoupled();
    for (Range range : ranges) {
      StepCoefficients c = range.coefficients;
      double own = rate * range.rateFactor;
      if (!(own >= 0 && own < Double.POSITIVE_INFINITY)) {
        throw new LearningRateException(own, step - 1);
      }
      c.step = step;
      c.clipValue = clipValue;
      c.coupledDecay = (decoupled ? 0 : range.decay) + range.penalty.gradientFactor();
      c.shrink = decoupled ? 1 - own * range.decay : 1;
      rule.coefficients(step, own, range.penalty.l1(), c);
    }
  }

  void apply(StepKernel kernel, Tensor g, Tensor[] slots, double scale) {
    for (Range range : ranges) {
      range.coefficients.gradientScale = scale;
      if (hasGroups) {
        kernel.apply(flat, g, slots, range.first, range.count, range.coefficients);
      }
    }
    if (isOneCall()) {
      // The exempt part is the last, and the only one where all are or nothing is penalized.
      Range last = ranges[ranges.length - 1];
      kernel.applyAll(flat, g, slots, last.first, ranges[0].coefficients, last.coefficients);
    }
  }
}
