package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.ORDER;
import static dev.panagrad.backend.simd.LanesF32.SPECIES;
import static dev.panagrad.backend.simd.LanesF32.SWAP_1;
import static dev.panagrad.backend.simd.LanesF32.SWAP_2;
import static dev.panagrad.backend.simd.LanesF32.SWAP_4;
import static dev.panagrad.backend.simd.LanesF32.SWAP_8;
import static dev.panagrad.backend.simd.LanesF32.narrow;
import static jdk.incubator.vector.FloatVector.broadcast;
import static jdk.incubator.vector.FloatVector.fromMemorySegment;

import dev.panagrad.backend.LinearKernels;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Level-1 kernels on contiguous vectors, on the calling thread. Sums run over blocks of {@link
 * #BLOCK} elements in four independent vectors of the element type, and over blocks in double
 * precision.
 */
abstract class VectorKernelsF32 implements LinearKernels {
  /** Elements per block: in 4 vectors of at least 4 lanes, chains of at most 256 additions. */
  private static final long BLOCK = 4096;

  private static final long STRIDE = (long) LanesF32.COUNT * LanesF32.BYTES;

  @Override
  public final double dot(Tensor x, Tensor y) {
    return dot(x.segment(), x.byteOffset(), y.segment(), y.byteOffset(), x.count());
  }

  /** The same of {@code n} elements from two byte offsets. */
  static double dot(MemorySegment xs, long xAt, MemorySegment ys, long yAt, long n) {
    double sum = 0;
    for (long from = 0; from < n; from += BLOCK) {
      long o = from * LanesF32.BYTES;
      sum += dotBlock(xs, xAt + o, ys, yAt + o, Math.min(BLOCK, n - from));
    }
    return sum;
  }

  private static double dotBlock(MemorySegment xs, long xAt, MemorySegment ys, long yAt, long n) {
    FloatVector a0 = FloatVector.zero(SPECIES);
    FloatVector a1 = FloatVector.zero(SPECIES);
    FloatVector a2 = FloatVector.zero(SPECIES);
    FloatVector a3 = FloatVector.zero(SPECIES);
    long whole = (n & -LanesF32.COUNT) * LanesF32.BYTES;
    long o = 0;
    for (; o + 4 * STRIDE <= whole; o += 4 * STRIDE) {
      a0 =
          fromMemorySegment(SPECIES, xs, xAt + o, ORDER)
              .fma(fromMemorySegment(SPECIES, ys, yAt + o, ORDER), a0);
      a1 =
          fromMemorySegment(SPECIES, xs, xAt + o + STRIDE, ORDER)
              .fma(fromMemorySegment(SPECIES, ys, yAt + o + STRIDE, ORDER), a1);
      a2 =
          fromMemorySegment(SPECIES, xs, xAt + o + 2 * STRIDE, ORDER)
              .fma(fromMemorySegment(SPECIES, ys, yAt + o + 2 * STRIDE, ORDER), a2);
      a3 =
          fromMemorySegment(SPECIES, xs, xAt + o + 3 * STRIDE, ORDER)
              .fma(fromMemorySegment(SPECIES, ys, yAt + o + 3 * STRIDE, ORDER), a3);
    }
    for (; o < whole; o += STRIDE) {
      a0 =
          fromMemorySegment(SPECIES, xs, xAt + o, ORDER)
              .fma(fromMemorySegment(SPECIES, ys, yAt + o, ORDER), a0);
    }
    FloatVector s = a0.add(a1).add(a2.add(a3));
    s = LanesF32.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
    s = LanesF32.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
    s = LanesF32.COUNT > 2 ? s.add(s.rearrange(SWAP_2)) : s;
    double sum = LanesF32.COUNT == 2 ? s.lane(0) + s.lane(1) : s.add(s.rearrange(SWAP_1)).lane(0);
    for (; o < n * LanesF32.BYTES; o += LanesF32.BYTES) {
      double factor = get(xs, xAt + o);
      sum += factor * get(ys, yAt + o);
    }
    return sum;
  }

  @Override
  public final void axpy(double alpha, Tensor x, Tensor y) {
    FloatVector factor = broadcast(SPECIES, narrow(alpha));
    MemorySegment xs = x.segment();
    MemorySegment ys = y.segment();
    long xAt = x.byteOffset();
    long yAt = y.byteOffset();
    long whole = (x.count() & -LanesF32.COUNT) * LanesF32.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      fromMemorySegment(SPECIES, xs, xAt + o, ORDER)
          .fma(factor, fromMemorySegment(SPECIES, ys, yAt + o, ORDER))
          .intoMemorySegment(ys, yAt + o, ORDER);
    }
    for (long o = whole; o < x.count() * LanesF32.BYTES; o += LanesF32.BYTES) {
      float sum = narrow(alpha * get(xs, xAt + o) + get(ys, yAt + o));
      ys.set(ValueLayout.JAVA_FLOAT, yAt + o, sum);
    }
  }

  @Override
  public final void lerp(double share, Tensor x, Tensor y) {
    FloatVector factor = broadcast(SPECIES, narrow(share));
    MemorySegment xs = x.segment();
    MemorySegment ys = y.segment();
    long xAt = x.byteOffset();
    long yAt = y.byteOffset();
    long whole = (x.count() & -LanesF32.COUNT) * LanesF32.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      FloatVector before = fromMemorySegment(SPECIES, ys, yAt + o, ORDER);
      fromMemorySegment(SPECIES, xs, xAt + o, ORDER)
          .sub(before)
          .fma(factor, before)
          .intoMemorySegment(ys, yAt + o, ORDER);
    }
    for (long o = whole; o < x.count() * LanesF32.BYTES; o += LanesF32.BYTES) {
      double before = get(ys, yAt + o);
      float mixed = narrow(before + share * (get(xs, xAt + o) - before));
      ys.set(ValueLayout.JAVA_FLOAT, yAt + o, mixed);
    }
  }

  /** Sums squares in the element type where that is exact enough, else of scaled elements. */
  @Override
  public final double norm2(Tensor x) {
    double squares = dot(x, x);
    // Outside this range a square may have overflowed, or lost bits to underflow.
    if (squares > LanesF32.SAFE_SQUARES_MIN && squares < LanesF32.SAFE_SQUARES_MAX) {
      return Math.sqrt(squares);
    }
    double largest = largest(x);
    if (largest == 0 || !(largest < Double.POSITIVE_INFINITY)) {
      return largest;
    }
    double scale = Math.scalb(1.0, -Math.clamp(Math.getExponent(largest), -1000, 1000));
    double sum = 0;
    for (long i = 0; i < x.count(); i++) {
      double scaled = get(x.segment(), at(x, i)) * scale;
      sum += scaled * scaled;
    }
    return Math.sqrt(sum) / scale;
  }

  private static double largest(Tensor x) {
    double largest = 0;
    for (long i = 0; i < x.count(); i++) {
      largest = Math.max(largest, Math.abs(get(x.segment(), at(x, i))));
    }
    return largest;
  }

  @Override
  public final double norm1(Tensor x) {
    double sum = 0;
    for (long from = 0; from < x.count(); from += BLOCK) {
      sum += norm1Block(x.segment(), at(x, from), Math.min(BLOCK, x.count() - from));
    }
    if (sum < Double.POSITIVE_INFINITY) {
      return sum;
    }
    // A block may have overflowed in the element type, and the sum need not in double precision.
    sum = 0;
    for (long i = 0; i < x.count(); i++) {
      double element = get(x.segment(), at(x, i));
      sum += Math.abs(element);
    }
    return sum;
  }

  private static double norm1Block(MemorySegment xs, long xAt, long n) {
    FloatVector a0 = FloatVector.zero(SPECIES);
    long whole = (n & -LanesF32.COUNT) * LanesF32.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      a0 = a0.add(fromMemorySegment(SPECIES, xs, xAt + o, ORDER).abs());
    }
    FloatVector s = a0;
    s = LanesF32.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
    s = LanesF32.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
    s = LanesF32.COUNT > 2 ? s.add(s.rearrange(SWAP_2)) : s;
    double sum = LanesF32.COUNT == 2 ? s.lane(0) + s.lane(1) : s.add(s.rearrange(SWAP_1)).lane(0);
    for (long o = whole; o < n * LanesF32.BYTES; o += LanesF32.BYTES) {
      sum += Math.abs(get(xs, xAt + o));
    }
    return sum;
  }

  /** Zero times an element is NaN if and only if it is not finite, and a NaN survives additions. */
  @Override
  public final boolean isFinite(Tensor x) {
    MemorySegment xs = x.segment();
    long xAt = x.byteOffset();
    FloatVector zero = FloatVector.zero(SPECIES);
    FloatVector a0 = zero;
    long whole = (x.count() & -LanesF32.COUNT) * LanesF32.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      a0 = a0.add(fromMemorySegment(SPECIES, xs, xAt + o, ORDER).mul(zero));
    }
    double sum = a0.reduceLanes(VectorOperators.ADD);
    for (long o = whole; o < x.count() * LanesF32.BYTES; o += LanesF32.BYTES) {
      sum += get(xs, xAt + o) * 0;
    }
    return sum == 0;
  }

  private static long at(Tensor t, long element) {
    return t.byteOffset() + element * LanesF32.BYTES;
  }

  private static float get(MemorySegment segment, long byteOffset) {
    return segment.get(ValueLayout.JAVA_FLOAT, byteOffset);
  }
}
