package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;

/**
 * Parameters, gradient and state of one contender.
 *
 * @param slots in the order of {@link StepReference#s0}
 */
record StepData(StepRule rule, Tensor parameters, Tensor gradient, List<Tensor> slots) {
  private static final long PARAMETER_SEED = 1;
  static final long GRADIENT_SEED = 2;

  /**
   * The largest error seen is 1.3e-5: ND4J, which rounds 0.999 to F32 before it takes it from 1.
   */
  private static final double STATE_TOLERANCE = 2e-5;

  /** Back to the start: random parameters, zero state. */
  void reset() {
    RandomValues.fill(parameters, PARAMETER_SEED);
    for (Tensor slot : slots) {
      NativeView.of(slot).fill((byte) 0);
    }
  }

  /** Compares all elements with the reference after that many steps from the start. */
  Optional<String> disagreement(int steps) {
    StepReference reference = new StepReference(rule);
    MemorySegment p = NativeView.of(parameters);
    MemorySegment s0 = NativeView.of(slots.getFirst());
    MemorySegment s1 = NativeView.of(slots.getLast());
    boolean hasSecond = slots.size() > 1;
    long count = parameters.count();
    for (long i = 0; i < count; i++) {
      double start = RandomValues.at(PARAMETER_SEED, i);
      reference.run(start, RandomValues.at(GRADIENT_SEED, i), steps);
      // A few roundings of the parameter, and a relative error of the way it went.
      double allowed =
          4e-7 * Math.max(Math.abs(start), Math.abs(reference.p))
              + 1e-5 * Math.abs(reference.p - start);
      double found = p.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      double found0 = s0.getAtIndex(ValueLayout.JAVA_FLOAT, i);
      double found1 = hasSecond ? s1.getAtIndex(ValueLayout.JAVA_FLOAT, i) : 0;
      // Negated, so that NaN is a disagreement.
      if (!(Math.abs(found - reference.p) <= allowed)) {
        return Optional.of(text("parameter", i, found, reference.p));
      }
      if (!isNear(found0, reference.s0)) {
        return Optional.of(text("first state of parameter", i, found0, reference.s0));
      }
      if (hasSecond && !isNear(found1, reference.s1)) {
        return Optional.of(text("second state of parameter", i, found1, reference.s1));
      }
    }
    return Optional.empty();
  }

  private static boolean isNear(double found, double expected) {
    return Math.abs(found - expected) <= STATE_TOLERANCE * Math.abs(expected) + 1e-30;
  }

  private static String text(String what, long index, double found, double expected) {
    return "%s %d is %.9g, expected %.9g".formatted(what, index, found, expected);
  }
}
