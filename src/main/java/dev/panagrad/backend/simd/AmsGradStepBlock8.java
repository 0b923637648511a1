package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.Block8Codec.CODE;
import static dev.panagrad.backend.simd.Block8Codec.SHIFT;
import static dev.panagrad.backend.simd.Block8Codec.SIGN;
import static dev.panagrad.backend.simd.Block8Codec.SIGNED_SHIFT;
import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.TINY;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static dev.panagrad.backend.simd.LanesI32.MAGNITUDE;
import static dev.panagrad.backend.simd.LanesI32.QUARTERS;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;
import static jdk.incubator.vector.VectorOperators.LSHL;
import static jdk.incubator.vector.VectorOperators.LT;
import static jdk.incubator.vector.VectorOperators.MAX;
import static jdk.incubator.vector.VectorOperators.NE;
import static jdk.incubator.vector.VectorOperators.ZERO_EXTEND_B2I;

import dev.panagrad.rule.Adam;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link AmsGradStepF32} with state in blocks of 8-bit codes, generated from it. */
final class AmsGradStepBlock8 extends Block8Update {
  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      double scale,
      StepCoefficients c,
      StateBlock block) {
    MemorySegment ms = block.slots[0];
    MemorySegment codes0 = block.codeSegments[0];
    long codes0At = block.codesAt[0];
    int offset0 = block.offsets[0];
    IntVector largest0 = IntVector.zero(LanesI32.SPECIES);
    MemorySegment vs = block.slots[1];
    MemorySegment codes1 = block.codeSegments[1];
    long codes1At = block.codesAt[1];
    int offset1 = block.offsets[1];
    IntVector largest1 = IntVector.zero(LanesI32.SPECIES);
    MemorySegment xs = block.slots[2];
    MemorySegment codes2 = block.codeSegments[2];
    long codes2At = block.codesAt[2];
    int offset2 = block.offsets[2];
    IntVector largest2 = IntVector.zero(LanesI32.SPECIES);
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector beta1 = broadcast(SPECIES, narrow(c.own[Adam.BETA1]));
    FloatVector beta2 = broadcast(SPECIES, narrow(c.own[Adam.BETA2]));
    FloatVector intake1 = broadcast(SPECIES, narrow(c.own[Adam.ONE_MINUS_BETA1]));
    FloatVector intake2 = broadcast(SPECIES, narrow(c.own[Adam.ONE_MINUS_BETA2]));
    FloatVector step = broadcast(SPECIES, narrow(-c.own[Adam.STEP]));
    FloatVector epsilon = broadcast(SPECIES, narrow(c.own[Adam.EPSILON]));
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int o = 0; o < StateFormat.BLOCK * Float.BYTES; o += FusedStepF32.STRIDE) {
      IntVector code0 =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes0, codes0At + (o >> 2), ORDER)
                  .convertShape(ZERO_EXTEND_B2I, LanesI32.SPECIES, 0);
      IntVector magnitude0 = code0.and(CODE);
      magnitude0
          .lanewise(LSHL, SIGNED_SHIFT)
          .add(offset0, magnitude0.compare(NE, 0))
          .or(code0.and(SIGN).lanewise(LSHL, 24))
          .intoMemorySegment(ms, o, ORDER);
      IntVector code1 =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes1, codes1At + (o >> 2), ORDER)
                  .convertShape(ZERO_EXTEND_B2I, LanesI32.SPECIES, 0);
      code1
          .lanewise(LSHL, SHIFT)
          .add(offset1, code1.compare(NE, 0))
          .intoMemorySegment(vs, o, ORDER);
      IntVector code2 =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes2, codes2At + (o >> 2), ORDER)
                  .convertShape(ZERO_EXTEND_B2I, LanesI32.SPECIES, 0);
      code2
          .lanewise(LSHL, SHIFT)
          .add(offset2, code2.compare(NE, 0))
          .intoMemorySegment(xs, o, ORDER);
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      FloatVector m = fromMemorySegment(SPECIES, ms, o, ORDER).fma(beta1, g.mul(intake1));
      m = m.blend(zero, m.abs().compare(LT, TINY));
      FloatVector v = fromMemorySegment(SPECIES, vs, o, ORDER).fma(beta2, g.mul(intake2).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      m.intoMemorySegment(ms, o, ORDER);
      v.intoMemorySegment(vs, o, ORDER);
      FloatVector x = fromMemorySegment(SPECIES, xs, o, ORDER).max(v);
      x.intoMemorySegment(xs, o, ORDER);
      FloatVector d = step.div(x.sqrt().add(epsilon));
      m.fma(d, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
      largest0 =
          largest0.max(IntVector.fromMemorySegment(LanesI32.SPECIES, ms, o, ORDER).and(MAGNITUDE));
      largest1 =
          largest1.max(IntVector.fromMemorySegment(LanesI32.SPECIES, vs, o, ORDER).and(MAGNITUDE));
      largest2 =
          largest2.max(IntVector.fromMemorySegment(LanesI32.SPECIES, xs, o, ORDER).and(MAGNITUDE));
    }
    block.largest[0] = largest0.reduceLanes(MAX);
    block.largest[1] = largest1.reduceLanes(MAX);
    block.largest[2] = largest2.reduceLanes(MAX);
  }
}
