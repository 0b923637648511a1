package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.GT;
import static jdk.incubator.vector.VectorOperators.LE;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/** The part of a fused step that does not depend on the rule, for its element type. */
abstract class FusedStepF64 extends FusedStep {
  static final int STRIDE = LanesF64.COUNT * LanesF64.BYTES;

  FusedStepF64(WorkerPool pool, StepBuffers buffers) {
    super(LanesF64.COUNT, LanesF64.BYTES, pool, buffers);
  }

  @Override
  final void condition(
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
    DoubleVector scale = broadcast(SPECIES, narrow(c.gradientScale));
    DoubleVector bound = broadcast(SPECIES, narrow(c.clipValue));
    DoubleVector floor = bound.neg();
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector h = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(scale);
      h = h.blend(bound, h.compare(GT, bound));
      h = h.blend(floor, h.compare(LT, floor));
      h.intoMemorySegment(hs, o, ORDER);
    }
  }

  private static void addDecay(
      MemorySegment ps, long pAt, MemorySegment hs, int n, StepCoefficients c) {
    DoubleVector decay = broadcast(SPECIES, narrow(c.coupledDecay));
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      fromMemorySegment(SPECIES, ps, pAt + o, ORDER)
          .fma(decay, fromMemorySegment(SPECIES, hs, o, ORDER))
          .intoMemorySegment(hs, o, ORDER);
    }
  }

  private static void shrink(MemorySegment ps, long pAt, int n, StepCoefficients c) {
    DoubleVector shrink = broadcast(SPECIES, narrow(c.shrink));
    int end = n * LanesF64.BYTES;
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
    DoubleVector l1 = broadcast(SPECIES, narrow(c.l1Step));
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      l1.intoMemorySegment(ts, o, ORDER);
    }
  }

  @Override
  final void softThreshold(MemorySegment ps, long pAt, MemorySegment ts, int n) {
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector p = fromMemorySegment(SPECIES, ps, pAt + o, ORDER);
      DoubleVector t = fromMemorySegment(SPECIES, ts, o, ORDER);
      DoubleVector moved = p.sub(t).blend(p.add(t), p.compare(LT, zero));
      moved.blend(zero, p.abs().compare(LE, t)).intoMemorySegment(ps, pAt + o, ORDER);
    }
  }
}
