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
 * {@link Adam}, AdamW and AMSGrad in one pass: 28 bytes per F32 parameter, 36 with AMSGrad; one
 * division and one square root per element, the bias corrections being folded into the
 * coefficients.
 */
final class AdamStepF32 extends FusedStep {
  private final boolean amsgrad;

  AdamStepF32(Adam rule, WorkerPool pool, PaddedBuffers padded) {
    super(LanesF32.COUNT, LanesF32.BYTES, pool, padded);
    this.amsgrad = rule.amsgrad();
  }

  @Override
  void vectors(
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
      StepCoefficients c) {
    boolean clipped = c.clipValue < Double.POSITIVE_INFINITY;
    boolean decayed = c.coupledDecay != 0;
    boolean sparse = c.l1Step != 0;
    boolean max = amsgrad;
    FloatVector beta1 = splat(c.own[Adam.BETA1]);
    FloatVector beta2 = splat(c.own[Adam.BETA2]);
    FloatVector intake1 = splat(c.own[Adam.ONE_MINUS_BETA1]);
    FloatVector intake2 = splat(c.own[Adam.ONE_MINUS_BETA2]);
    FloatVector step = splat(-c.own[Adam.STEP]);
    FloatVector epsilon = splat(c.own[Adam.EPSILON]);
    FloatVector scale = splat(c.gradientScale);
    FloatVector clip = splat(c.clipValue);
    FloatVector decay = splat(c.coupledDecay);
    FloatVector shrink = splat(c.shrink);
    FloatVector l1 = splat(sparse ? c.l1Step / -c.own[Adam.STEP] : 0);
    long end = n * LanesF32.BYTES;
    long stride = (long) LanesF32.COUNT * LanesF32.BYTES;
    for (long o = 0; o < end; o += stride) {
      FloatVector p = load(ps, pAt + o);
      FloatVector g = load(gs, gAt + o).mul(scale);
      if (clipped) {
        g = StepLanesF32.clamped(g, clip);
      }
      if (decayed) {
        g = fma(p, decay, g);
      }
      FloatVector m = StepLanesF32.stored(fma(load(ms, mAt + o), beta1, g.mul(intake1)));
      FloatVector v = StepLanesF32.stored(fma(load(vs, vAt + o), beta2, g.mul(intake2).mul(g)));
      store(m, ms, mAt + o);
      store(v, vs, vAt + o);
      if (max) {
        v = load(xs, xAt + o).max(v);
        store(v, xs, xAt + o);
      }
      FloatVector d = step.div(v.sqrt().add(epsilon));
      p = fma(m, d, p.mul(shrink));
      if (sparse) {
        p = StepLanesF32.softThreshold(p, l1.mul(d));
      }
      store(p, ps, pAt + o);
    }
  }
}
