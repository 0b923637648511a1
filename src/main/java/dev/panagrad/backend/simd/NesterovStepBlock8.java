package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.Block8Codec.CODE;
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

import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;

/** {@link NesterovStepF32} with state in blocks of 8-bit codes, generated from it. */
final class NesterovStepBlock8 extends Block8Update {
  @Override
  void update(
      MemorySegment ps,
      long pAt,
      MemorySegment gs,
      long gAt,
      double scale,
      StepCoefficients c,
      StateBlock block) {
    MemorySegment bs = block.slots[0];
    MemorySegment codes0 = block.codeSegments[0];
    long codes0At = block.codesAt[0];
    int offset0 = block.offsets[0];
    IntVector largest0 = IntVector.zero(LanesI32.SPECIES);
    FloatVector factor = broadcast(SPECIES, narrow(scale));
    FloatVector rate = broadcast(SPECIES, narrow(-c.own[Sgd.RATE]));
    FloatVector momentum = broadcast(SPECIES, narrow(c.own[Sgd.MOMENTUM]));
    FloatVector intake = broadcast(SPECIES, narrow(c.own[Sgd.INTAKE]));
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
          .intoMemorySegment(bs, o, ORDER);
      FloatVector g = fromMemorySegment(SPECIES, gs, gAt + o, ORDER).mul(factor);
      FloatVector b = fromMemorySegment(SPECIES, bs, o, ORDER).fma(momentum, g.mul(intake));
      b = b.blend(zero, b.abs().compare(LT, TINY));
      b.intoMemorySegment(bs, o, ORDER);
      b.fma(momentum, g)
          .fma(rate, fromMemorySegment(SPECIES, ps, pAt + o, ORDER))
          .intoMemorySegment(ps, pAt + o, ORDER);
      largest0 =
          largest0.max(IntVector.fromMemorySegment(LanesI32.SPECIES, bs, o, ORDER).and(MAGNITUDE));
    }
    block.largest[0] = largest0.reduceLanes(MAX);
  }
}
