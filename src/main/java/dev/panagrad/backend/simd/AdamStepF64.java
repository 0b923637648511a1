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
 * {@link Adam}, AdamW and AMSGrad in one pass: 28 bytes per F64 parameter, 36 with AMSGrad; one
 * division and one square root per element, the bias corrections being folded into the
 * coefficients.
 */
final class AdamStepF64 extends FusedStep {
  private final boolean amsgrad;

  AdamStepF64(Adam rule, WorkerPool pool, PaddedBuffers padded) {
    super(LanesF64.COUNT, LanesF64.BYTES, pool, padded);
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
    DoubleVector beta1 = splat(c.own[Adam.BETA1]);
    DoubleVector beta2 = splat(c.own[Adam.BETA2]);
    DoubleVector intake1 = splat(c.own[Adam.ONE_MINUS_BETA1]);
    DoubleVector intake2 = splat(c.own[Adam.ONE_MINUS_BETA2]);
    DoubleVector step = splat(-c.own[Adam.STEP]);
    DoubleVector epsilon = splat(c.own[Adam.EPSILON]);
    DoubleVector scale = splat(c.gradientScale);
    DoubleVector clip = splat(c.clipValue);
    DoubleVector decay = splat(c.coupledDecay);
    DoubleVector shrink = splat(c.shrink);
    DoubleVector l1 = splat(sparse ? c.l1Step / -c.own[Adam.STEP] : 0);
    long end = n * LanesF64.BYTES;
    long stride = (long) LanesF64.COUNT * LanesF64.BYTES;
    for (long o = 0; o < end; o += stride) {
      DoubleVector p = load(ps, pAt + o);
      DoubleVector g = load(gs, gAt + o).mul(scale);
      if (clipped) {
        g = StepLanesF64.clamped(g, clip);
      }
      if (decayed) {
        g = fma(p, decay, g);
      }
      DoubleVector m = StepLanesF64.stored(fma(load(ms, mAt + o), beta1, g.mul(intake1)));
      DoubleVector v = StepLanesF64.stored(fma(load(vs, vAt + o), beta2, g.mul(intake2).mul(g)));
      store(m, ms, mAt + o);
      store(v, vs, vAt + o);
      if (max) {
        v = load(xs, xAt + o).max(v);
        store(v, xs, xAt + o);
      }
      DoubleVector d = step.div(v.sqrt().add(epsilon));
      p = fma(m, d, p.mul(shrink));
      if (sparse) {
        p = StepLanesF64.softThreshold(p, l1.mul(d));
      }
      store(p, ps, pAt + o);
    }
  }
}
