package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.TINY;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LT;

import dev.panagrad.backend.WorkerPool;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.DoubleVector;

/**
 * {@link Adam} and AdamW in one pass: reads or writes seven elements per parameter; one division
 * and one square root per element, the bias corrections being folded into the coefficients. {@code
 * d} is minus the step of a coordinate per unit of its first moment.
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
      int n,
      double scale,
      StepCoefficients c) {
    DoubleVector factor = broadcast(SPECIES, narrow(scale));
    DoubleVector beta1 = broadcast(SPECIES, narrow(c.own[Adam.BETA1]));
    DoubleVector beta2 = broadcast(SPECIES, narrow(c.own[Adam.BETA2]));
    DoubleVector intake1 = broadcast(SPECIES, narrow(c.own[Adam.ONE_MINUS_BETA1]));
    DoubleVector intake2 = broadcast(SPECIES, narrow(c.own[Adam.ONE_MINUS_BETA2]));
    DoubleVector step = broadcast(SPECIES, narrow(-c.own[Adam.STEP]));
    DoubleVector epsilon = broadcast(SPECIES, narrow(c.own[Adam.EPSILON]));
    DoubleVector zero = DoubleVector.zero(SPECIES);
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      DoubleVector m = fromMemorySegment(SPECIES, ms, mAt + o, ORDER).fma(beta1, g.mul(intake1));
      m = m.blend(zero, m.abs().compare(LT, TINY));
      DoubleVector v =
          fromMemorySegment(SPECIES, vs, vAt + o, ORDER).fma(beta2, g.mul(intake2).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      m.intoMemorySegment(ms, mAt + o, ORDER);
      v.intoMemorySegment(vs, vAt + o, ORDER);
      DoubleVector d = step.div(v.sqrt().add(epsilon));
      m.fma(d, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
    }
  }

  @Override
  void thresholds(
      MemorySegment ts,
      MemorySegment ms,
      long mAt,
      MemorySegment vs,
      long vAt,
      MemorySegment xs,
      long xAt,
      int n,
      StepCoefficients c) {
    DoubleVector l1 = broadcast(SPECIES, narrow(c.l1Step));
    DoubleVector epsilon = broadcast(SPECIES, narrow(c.own[Adam.EPSILON]));
    int end = n * LanesF64.BYTES;
    for (int o = 0; o < end; o += STRIDE) {
      DoubleVector root = fromMemorySegment(SPECIES, vs, vAt + o, ORDER).sqrt().add(epsilon);
      l1.div(root).intoMemorySegment(ts, o, ORDER);
    }
  }
}
