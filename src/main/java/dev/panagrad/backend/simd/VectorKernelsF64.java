package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.ORDER;
import static dev.panagrad.backend.simd.LanesF64.SPECIES;
import static dev.panagrad.backend.simd.LanesF64.SWAP_1;
import static dev.panagrad.backend.simd.LanesF64.SWAP_2;
import static dev.panagrad.backend.simd.LanesF64.SWAP_4;
import static dev.panagrad.backend.simd.LanesF64.SWAP_8;
import static dev.panagrad.backend.simd.LanesF64.narrow;
import static jdk.incubator.vector.DoubleVector.broadcast;
import static jdk.incubator.vector.DoubleVector.fromMemorySegment;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Level-1 kernels on contiguous vectors, on the calling thread. Sums run over blocks of {@link
 * #BLOCK} elements in four independent vectors of the element type, and over blocks in double
 * precision.
 */
final class VectorKernelsF64 {
  /**
   * Elements per block: 4,096 terms in 4 vectors of at least 4 lanes are chains of at most 256
   * additions.
   */
  private static final long BLOCK = 4096;

  private static final long STRIDE = (long) LanesF64.COUNT * LanesF64.BYTES;

  private VectorKernelsF64() {}

  static double dot(Tensor x, Tensor y) {
    return dot(x.segment(), x.byteOffset(), y.segment(), y.byteOffset(), x.count());
  }

  /** The same of {@code n} elements from two byte offsets. */
  static double dot(MemorySegment xs, long xAt, MemorySegment ys, long yAt, long n) {
    double sum = 0;
    for (long from = 0; from < n; from += BLOCK) {
      long o = from * LanesF64.BYTES;
      sum += dotBlock(xs, xAt + o, ys, yAt + o, Math.min(BLOCK, n - from));
    }
    return sum;
  }

  private static double dotBlock(MemorySegment xs, long xAt, MemorySegment ys, long yAt, long n) {
    DoubleVector a0 = DoubleVector.zero(SPECIES);
    DoubleVector a1 = DoubleVector.zero(SPECIES);
    DoubleVector a2 = DoubleVector.zero(SPECIES);
    DoubleVector a3 = DoubleVector.zero(SPECIES);
    long whole = (n & -LanesF64.COUNT) * LanesF64.BYTES;
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
    DoubleVector s = a0.add(a1).add(a2.add(a3));
    s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
    s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
    s = LanesF64.COUNT > 2 ? s.add(s.rearrange(SWAP_2)) : s;
    double sum = LanesF64.COUNT == 2 ? s.lane(0) + s.lane(1) : s.add(s.rearrange(SWAP_1)).lane(0);
    for (; o < n * LanesF64.BYTES; o += LanesF64.BYTES) {
      double factor = get(xs, xAt + o);
      sum += factor * get(ys, yAt + o);
    }
    return sum;
  }

  static void axpy(double alpha, Tensor x, Tensor y) {
    DoubleVector factor = broadcast(SPECIES, narrow(alpha));
    MemorySegment xs = x.segment();
    MemorySegment ys = y.segment();
    long xAt = x.byteOffset();
    long yAt = y.byteOffset();
    long whole = (x.count() & -LanesF64.COUNT) * LanesF64.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      fromMemorySegment(SPECIES, xs, xAt + o, ORDER)
          .fma(factor, fromMemorySegment(SPECIES, ys, yAt + o, ORDER))
          .intoMemorySegment(ys, yAt + o, ORDER);
    }
    for (long o = whole; o < x.count() * LanesF64.BYTES; o += LanesF64.BYTES) {
      double sum = narrow(alpha * get(xs, xAt + o) + get(ys, yAt + o));
      ys.set(ValueLayout.JAVA_DOUBLE, yAt + o, sum);
    }
  }

  static void lerp(double share, Tensor x, Tensor y) {
    DoubleVector factor = broadcast(SPECIES, narrow(share));
    MemorySegment xs = x.segment();
    MemorySegment ys = y.segment();
    long xAt = x.byteOffset();
    long yAt = y.byteOffset();
    long whole = (x.count() & -LanesF64.COUNT) * LanesF64.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      DoubleVector before = fromMemorySegment(SPECIES, ys, yAt + o, ORDER);
      fromMemorySegment(SPECIES, xs, xAt + o, ORDER)
          .sub(before)
          .fma(factor, before)
          .intoMemorySegment(ys, yAt + o, ORDER);
    }
    for (long o = whole; o < x.count() * LanesF64.BYTES; o += LanesF64.BYTES) {
      double before = get(ys, yAt + o);
      double mixed = narrow(before + share * (get(xs, xAt + o) - before));
      ys.set(ValueLayout.JAVA_DOUBLE, yAt + o, mixed);
    }
  }

  /**
   * The sum of squares in the element type where that is exact enough, else with every element
   * scaled first.
   */
  static double norm2(Tensor x) {
    double squares = dot(x, x);
    // Outside this range a square may have overflowed, or lost bits to underflow.
    if (squares > LanesF64.SAFE_SQUARES_MIN && squares < LanesF64.SAFE_SQUARES_MAX) {
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

  static double norm1(Tensor x) {
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
    DoubleVector a0 = DoubleVector.zero(SPECIES);
    long whole = (n & -LanesF64.COUNT) * LanesF64.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      a0 = a0.add(fromMemorySegment(SPECIES, xs, xAt + o, ORDER).abs());
    }
    DoubleVector s = a0;
    s = LanesF64.COUNT > 8 ? s.add(s.rearrange(SWAP_8)) : s;
    s = LanesF64.COUNT > 4 ? s.add(s.rearrange(SWAP_4)) : s;
    s = LanesF64.COUNT > 2 ? s.add(s.rearrange(SWAP_2)) : s;
    double sum = LanesF64.COUNT == 2 ? s.lane(0) + s.lane(1) : s.add(s.rearrange(SWAP_1)).lane(0);
    for (long o = whole; o < n * LanesF64.BYTES; o += LanesF64.BYTES) {
      sum += Math.abs(get(xs, xAt + o));
    }
    return sum;
  }

  /**
   * Zero times an element is NaN exactly if the element is infinite or NaN, and a NaN survives
   * every addition.
   */
  static boolean isFinite(Tensor x) {
    MemorySegment xs = x.segment();
    long xAt = x.byteOffset();
    DoubleVector zero = DoubleVector.zero(SPECIES);
    DoubleVector a0 = zero;
    long whole = (x.count() & -LanesF64.COUNT) * LanesF64.BYTES;
    for (long o = 0; o < whole; o += STRIDE) {
      a0 = a0.add(fromMemorySegment(SPECIES, xs, xAt + o, ORDER).mul(zero));
    }
    double sum = a0.reduceLanes(VectorOperators.ADD);
    for (long o = whole; o < x.count() * LanesF64.BYTES; o += LanesF64.BYTES) {
      sum += get(xs, xAt + o) * 0;
    }
    return sum == 0;
  }

  private static long at(Tensor t, long element) {
    return t.byteOffset() + element * LanesF64.BYTES;
  }

  private static double get(MemorySegment segment, long byteOffset) {
    return segment.get(ValueLayout.JAVA_DOUBLE, byteOffset);
  }
}
