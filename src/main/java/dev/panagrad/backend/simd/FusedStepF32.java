package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** The part of a fused step that does not depend on the rule, for its element type. */
abstract class FusedStepF32 extends FusedStep {
  static final int STRIDE = LanesF32.COUNT * LanesF32.BYTES;

  FusedStepF32(WorkerPool pool, StepBuffers buffers) {
    super(LanesF32.COUNT, LanesF32.BYTES, pool, buffers);
  }

  @Override
  final void conditionGradient(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment hs,
      int n,
      StepCoefficients c) {
    clamp(gs, gAt, hs, n, c);
    if (c.coupledDecay != 0) {
      addDecay(ps, pAt, hs, n, c);
    }
    if (c.shrink != 1) {
      shrink(ps, pAt, n, c);
    }
  }

  private static void clamp(
      MemorySegment gs, long gAt, MemorySegment hs, int n, StepCoefficients c) {
    FloatVector scale = broadcast(SPECIES, narrow(c.gradientScale));
    FloatVector bound = broadcast(SPECIES, narrow(c.clipValue));
    FloatVector floor = bound.neg();
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      FloatVector h = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(scale);
      h = h.blend(bound, h.compare(GT, bound));
      h = h.blend(floor, h.compare(LT, floor));
      h.intoMemorySegment(hs, o, ORDER);
    }
  }

  private static void addDecay(
      MemorySegment ps, long pAt, MemorySegment hs, int n, StepCoefficients c) {
    FloatVector decay = broadcast(SPECIES, narrow(c.coupledDecay));
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      fromMemorySegment(SPECIES, ps, pAt + o, ORDER)
          .fma(decay, fromMemorySegment(SPECIES, hs, o, ORDER))
          .intoMemorySegment(hs, o, ORDER);
    }
  }

  private static void shrink(MemorySegment ps, long pAt, int n, StepCoefficients c) {
    FloatVector shrink = broadcast(SPECIES, narrow(c.shrink));
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      fromMemorySegment(SPECIES, ps, pAt + o, ORDER)
          .mul(shrink)
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }

  /** The same threshold for all: the step of a rule that does not rescale. */
  @Override
  void thresholds(
      MemorySegment ts,
      MemorySegment s0,
      long s0At,
      MemorySegment s1,
      long s1At,
      MemorySegment s2,
      long s2At,
      int n,
      StepCoefficients c) {
    FloatVector l1 = broadcast(SPECIES, narrow(c.l1Step));
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      l1.intoMemorySegment(ts, o, ORDER);
    }
  }

  @Override
  final void softThreshold(MemorySegment ps, long pAt, MemorySegment ts, int n) {
    FloatVector zero = FloatVector.zero(SPECIES);
    int end = n * LanesF32.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      FloatVector p = fromMemorySegment(SPECIES, ps, pAt + o, ORDER);
      FloatVector t = fromMemorySegment(SPECIES, ts, o, ORDER);
      FloatVector moved = p.sub(t).blend(p.add(t), p.compare(LT, zero));
      moved.blend(zero, p.abs().compare(LE, t)).intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
