package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.fma;
import static dev.panagrad.backend.simd.LanesF64.load;
import static dev.panagrad.backend.simd.LanesF64.splat;
import static dev.panagrad.backend.simd.LanesF64.store;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/**
 * {@link Adam} and AdamW in one pass: 28 bytes per F64 parameter; one division and one square root
 * per element, the bias corrections being folded into the coefficients. {@code d} is minus the step
 * of a coordinate per unit of its first moment.
 */
final class AdamStepF64 extends FusedStepF64 {
  AdamStepF64(WorkerPool pool, StepBuffers buffers) {
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
    DoubleVector factor = splat(scale);
    DoubleVector beta1 = splat(c.own[Adam.BETA1]);
    DoubleVector beta2 = splat(c.own[Adam.BETA2]);
    DoubleVector intake1 = splat(c.own[Adam.ONE_MINUS_BETA1]);
    DoubleVector intake2 = splat(c.own[Adam.ONE_MINUS_BETA2]);
    DoubleVector step = splat(-c.own[Adam.STEP]);
    DoubleVector epsilon = splat(c.own[Adam.EPSILON]);
    long end = n * LanesF64.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      DoubleVector g = load(gs, gAt + o).mul(factor);
      DoubleVector m = StepLanesF64.stored(fma(load(ms, mAt + o), beta1, g.mul(intake1)));
      DoubleVector v = StepLanesF64.stored(fma(load(vs, vAt + o), beta2, g.mul(intake2).mul(g)));
      store(m, ms, mAt + o);
      store(v, vs, vAt + o);
      DoubleVector d = step.div(v.sqrt().add(epsilon));
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
    DoubleVector l1 = splat(c.l1Step);
    DoubleVector epsilon = splat(c.own[Adam.EPSILON]);
    long end = n * LanesF64.BYTES;
    for (long o = 0; o < end; o += STRIDE) {
      DoubleVector root = load(vs, vAt + o).sqrt().add(epsilon);
      store(StepLanesF64.softThreshold(load(ps, pAt + o), l1.div(root)), ps, pAt + o);
    }
  }
}
