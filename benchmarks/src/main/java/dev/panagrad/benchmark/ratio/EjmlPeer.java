package dev.panagrad.benchmark.ratio;

import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Optional;
import org.ejml.concurrency.EjmlConcurrency;
import org.ejml.data.FMatrixRMaj;
import org.ejml.dense.row.CommonOps_FDRM;
import org.ejml.dense.row.CommonOps_MT_FDRM;

/** EJML: plain Java over heap arrays, which C2 vectorizes. */
final class EjmlPeer {
  private EjmlPeer() {}

  /** {@code C = A B}. */
  static Contender gemm(Tensor a, Tensor b, Tensor c, Expected expected, int threads) {
    EjmlConcurrency.setMaxThreads(threads);
    FMatrixRMaj left = matrix(a);
    FMatrixRMaj right = matrix(b);
    FMatrixRMaj product = new FMatrixRMaj(left.numRows, right.numCols);
    return new Contender() {
      @Override
      public void repeat(long times) {
        for (long i = 0; i < times; i++) {
          if (threads == 1) {
            CommonOps_FDRM.mult(left, right, product);
          } else {
            CommonOps_MT_FDRM.mult(left, right, product);
          }
        }
      }

      @Override
      public Optional<String> disagreement() {
        Arrays.fill(product.data, Float.NaN);
        repeat(1);
        NativeView.of(c).copyFrom(MemorySegment.ofArray(product.data));
        return expected.disagreement(c);
      }
    };
  }

  private static FMatrixRMaj matrix(Tensor tensor) {
    FMatrixRMaj matrix =
        new FMatrixRMaj(Math.toIntExact(tensor.rows()), Math.toIntExact(tensor.cols()));
    MemorySegment.ofArray(matrix.data).copyFrom(NativeView.of(tensor));
    return matrix;
  }
}
