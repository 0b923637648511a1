package dev.panagrad.backend.simd;

import static dev.panagrad.backend.simd.LanesF64.narrow;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The Cholesky factorization row by row: every element is a dot product of two rows of the factor,
 * which are adjacent in memory. For matrices of up to a few hundred rows; there is no blocking.
 */
final class CholeskyF64 {
  private CholeskyF64() {}

  static boolean factorize(Tensor a) {
    MemorySegment as = a.segment();
    long stride = a.rowStride() * LanesF64.BYTES;
    for (long i = 0; i < a.rows(); i++) {
      long row = a.byteOffset() + i * stride;
      for (long j = 0; j <= i; j++) {
        long other = a.byteOffset() + j * stride;
        long at = row + j * LanesF64.BYTES;
        double element = as.get(ValueLayout.JAVA_DOUBLE, at);
        double rest = element - VectorKernelsF64.dot(as, row, as, other, j);
        if (i == j) {
          if (!(rest > 0)) {
            return false;
          }
          as.set(ValueLayout.JAVA_DOUBLE, at, narrow(Math.sqrt(rest)));
        } else {
          double pivot = as.get(ValueLayout.JAVA_DOUBLE, other + j * LanesF64.BYTES);
          as.set(ValueLayout.JAVA_DOUBLE, at, narrow(rest / pivot));
        }
      }
    }
    return true;
  }
}
