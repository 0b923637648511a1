package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/** The part of a fused step that does not depend on the rule, for its element type. */
abstract class FusedStepF32 extends FusedStep {
  static final long STRIDE = (long) LanesF32.COUNT * LanesF32.BYTES;

  FusedStepF32(WorkerPool pool, StepBuffers buffers) {
    super(LanesF32.COUNT, LanesF32.BYTES, pool, buffers);
  }

  @Override
  final void condition(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment hs,
      long n,
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
      MemorySegment gs, long gAt, MemorySegment hs, long n, StepCoefficients c) {
    FloatVector scale = splat(c.gradientScale);
    FloatVector bound = splat(c.clipValue);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      store(StepLanesF32.clamped(load(gs, gAt + o).mul(scale), bound), hs, o);
    }
  }

  private static void addDecay(
      MemorySegment ps, long pAt, MemorySegment hs, long n, StepCoefficients c) {
    FloatVector decay = splat(c.coupledDecay);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      store(fma(load(ps, pAt + o), decay, load(hs, o)), hs, o);
    }
  }

  private static void shrink(MemorySegment ps, long pAt, long n, StepCoefficients c) {
    FloatVector shrink = splat(c.shrink);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      store(load(ps, pAt + o).mul(shrink), ps, pAt + o);
    }
  }
}
