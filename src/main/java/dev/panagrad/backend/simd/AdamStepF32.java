package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.fma;
import static dev.panagrad.backend.simd.LanesF32.load;
import static dev.panagrad.backend.simd.LanesF32.splat;
import static dev.panagrad.backend.simd.LanesF32.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Adam} and AdamW in one pass: 28 bytes per F32 parameter; one division and one square root
 * per element, the bias corrections being folded into the coefficients. {@code d} is minus the step
 * of a coordinate per unit of its first moment.
 */
final class AdamStepF32 extends FusedStepF32 {
  AdamStepF32(WorkerPool pool, StepBuffers buffers) {
    super(pool, buffers);
  }

  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      MemorySegment ms,
      long mAt,
      MemorySegment vs,
      long vAt,
      MemorySegment xs,
      long xAt,
      long n,
      double scale,
      StepCoefficients c) {
    FloatVector factor = splat(scale);
    FloatVector beta1 = splat(c.own[Adam.BETA1]);
    FloatVector beta2 = splat(c.own[Adam.BETA2]);
    FloatVector intake1 = splat(c.own[Adam.ONE_MINUS_BETA1]);
    FloatVector intake2 = splat(c.own[Adam.ONE_MINUS_BETA2]);
    FloatVector step = splat(-c.own[Adam.STEP]);
    FloatVector epsilon = splat(c.own[Adam.EPSILON]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector g = load(gs, gAt + o).mul(factor);
      FloatVector m = StepLanesF32.stored(fma(load(ms, mAt + o), beta1, g.mul(intake1)));
      FloatVector v = StepLanesF32.stored(fma(load(vs, vAt + o), beta2, g.mul(intake2).mul(g)));
      store(m, ms, mAt + o);
      store(v, vs, vAt + o);
      FloatVector d = step.div(v.sqrt().add(epsilon));
      store(fma(m, d, load(ps, pAt + o)), ps, pAt + o);
    }
  }

  @Override
  void penalise(
      MemorySegment ps,
      long pAt,
      MemorySegment ms,
      long mAt,
      MemorySegment vs,
      long vAt,
      MemorySegment xs,
      long xAt,
      long n,
      StepCoefficients c) {
    FloatVector l1 = splat(c.l1Step);
    FloatVector epsilon = splat(c.own[Adam.EPSILON]);
    long end = n * LanesF32.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      FloatVector root = load(vs, vAt + o).sqrt().add(epsilon);
      store(StepLanesF32.softThreshold(load(ps, pAt + o), l1.div(root)), ps, pAt + o);
    }
  }
}
