package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF32.narrow;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The Cholesky factorization row by row: every element is a dot product of two rows of the factor,
 * which are adjacent in memory. For matrices of up to a few hundred rows; there is no blocking.
 */
final class CholeskyF32 {
  private CholeskyF32() {}

  static boolean factorize(Tensor a) {
    MemorySegment as = a.segment();
    long stride = a.rowStride() * LanesF32.BYTES;
    for (long i = 0; i < a.rows(); i++) {
      long row = a.byteOffset() + i * stride;
      for (long j = 0; j <= i; j++) {
        long other = a.byteOffset() + j * stride;
        long at = row + j * LanesF32.BYTES;
        double element = as.get(ValueLayout.JAVA_FLOAT, at);
        double rest = element - VectorKernelsF32.dot(as, row, as, other, j);
        if (i == j) {
          if (!(rest > 0 && rest < Double.POSITIVE_INFINITY)) {
            return false;
          }
          as.set(ValueLayout.JAVA_FLOAT, at, narrow(Math.sqrt(rest)));
        } else {
          double pivot = as.get(ValueLayout.JAVA_FLOAT, other + j * LanesF32.BYTES);
          as.set(ValueLayout.JAVA_FLOAT, at, narrow(rest / pivot));
        }
      }
    }
    return true;
  }
}
