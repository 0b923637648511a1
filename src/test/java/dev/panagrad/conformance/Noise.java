package dev.panagrad.conformance;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;

/**
 * Standard normal values, taken from one table in pieces that begin at random places. Tests spend
 * more time on drawing each value, and on writing it as an element, than on kernels.
 */
public final class Noise {
  private static final double[] DOUBLES = new double[1 << 16];
  private static final float[] FLOATS = new float[DOUBLES.length];

  static {
    SplittableRandom random = new SplittableRandom(31);
    for (int i = 0; i < DOUBLES.length; i++) {
      DOUBLES[i] = random.nextGaussian();
      FLOATS[i] = (float) DOUBLES[i];
    }
  }

  private Noise() {}

  /** Fills tensors of type F32 or F64 in host memory; skips null. */
  public static void fill(RandomGenerator random, Tensor... tensors) {
    for (Tensor t : tensors) {
      long rows = t == null ? 0 : t.isContiguous() ? 1 : t.rows();
      for (long row = 0; row < rows; row++) {
        long count = t.isContiguous() ? t.count() : t.cols();
        fill(random, t, t.byteOffset() + row * t.rowStride() * t.dtype().bytes(), count);
      }
    }
  }

  private static void fill(RandomGenerator random, Tensor t, long byteOffset, long count) {
    MemorySegment to = t.segment();
    for (long done = 0; done < count; ) {
      int from = random.nextInt(DOUBLES.length);
      int piece = (int) Math.min(count - done, DOUBLES.length - from);
      long at = byteOffset + done * t.dtype().bytes();
      if (t.dtype() == DType.F32) {
        MemorySegment.copy(FLOATS, from, to, ValueLayout.JAVA_FLOAT, at, piece);
      } else {
        MemorySegment.copy(DOUBLES, from, to, ValueLayout.JAVA_DOUBLE, at, piece);
      }
      done += piece;
    }
  }
}
