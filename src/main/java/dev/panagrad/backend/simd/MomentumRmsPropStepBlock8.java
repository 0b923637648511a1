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

import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link MomentumRmsPropStepF32} with state in blocks of 8-bit codes, generated from it. */
final class MomentumRmsPropStepBlock8 extends Block8Update {
  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      double scale,
      StepCoefficients c,
      StateBlock block) {
    MemorySegment vs = block.slots[0];
    MemorySegment codes0 = block.codeSegments[0];
    long codes0At = block.codesAt[0];
    int offset0 = block.offsets[0];
    IntVector largest0 = IntVector.zero(LanesI32.SPECIES);
    MemorySegment bs = block.slots[1];
    MemorySegment codes1 = block.codeSegments[1];
    long codes1At = block.codesAt[1];
    int offset1 = block.offsets[1];
    IntVector largest1 = IntVector.zero(LanesI32.SPECIES);
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector alpha = broadcast(SPECIES, narrow(c.own[RmsProp.ALPHA]));
    FloatVector intake = broadcast(SPECIES, narrow(c.own[RmsProp.ONE_MINUS_ALPHA]));
    FloatVector rate = broadcast(SPECIES, narrow(-c.own[RmsProp.RATE]));
    FloatVector epsilon = broadcast(SPECIES, narrow(c.own[RmsProp.EPSILON]));
    FloatVector momentum = broadcast(SPECIES, narrow(c.own[RmsProp.MOMENTUM]));
    FloatVector zero = FloatVector.zero(SPECIES);
    for (int o = 0; o < StateFormat.BLOCK * Float.BYTES; o += FusedStepF32.STRIDE) {
      IntVector code0 =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes0, codes0At + (o >> 2), ORDER)
                  .convertShape(ZERO_EXTEND_B2I, LanesI32.SPECIES, 0);
      code0
          .lanewise(LSHL, SHIFT)
          .add(offset0, code0.compare(NE, 0))
          .intoMemorySegment(vs, o, ORDER);
      IntVector code1 =
          (IntVector)
              ByteVector.fromMemorySegment(QUARTERS, codes1, codes1At + (o >> 2), ORDER)
                  .convertShape(ZERO_EXTEND_B2I, LanesI32.SPECIES, 0);
      IntVector magnitude1 = code1.and(CODE);
      magnitude1
          .lanewise(LSHL, SIGNED_SHIFT)
          .add(offset1, magnitude1.compare(NE, 0))
          .or(code1.and(SIGN).lanewise(LSHL, 24))
          .intoMemorySegment(bs, o, ORDER);
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      FloatVector v = fromMemorySegment(SPECIES, vs, o, ORDER).fma(alpha, g.mul(intake).mul(g));
      v = v.blend(zero, v.compare(LT, TINY));
      v.intoMemorySegment(vs, o, ORDER);
      FloatVector root = v.sqrt().add(epsilon);
      FloatVector b = fromMemorySegment(SPECIES, bs, o, ORDER).fma(momentum, g.div(root));
      b = b.blend(zero, b.abs().compare(LT, TINY));
      b.intoMemorySegment(bs, o, ORDER);
      b.fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
      largest0 =
          largest0.max(IntVector.fromMemorySegment(LanesI32.SPECIES, vs, o, ORDER).and(MAGNITUDE));
      largest1 =
          largest1.max(IntVector.fromMemorySegment(LanesI32.SPECIES, bs, o, ORDER).and(MAGNITUDE));
    }
    block.largest[0] = largest0.reduceLanes(MAX);
    block.largest[1] = largest1.reduceLanes(MAX);
  }
}
