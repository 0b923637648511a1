package dev.panagrad.benchmark.ratio;

import dev.ludovic.netlib.blas.JavaBLAS;
import dev.panagrad.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Optional;

/** VectorBLAS of netlib: BLAS in Java on the Vector API, over heap arrays, column-major. */
final class VectorBlasPeer {
  private static final JavaBLAS BLAS = load();

  private VectorBlasPeer() {}

  /** The public way in would fall back to plain Java without an error. */
  private static JavaBLAS load() {
    try {
      Method instance =
          Class.forName("dev.ludovic.netlib.blas.VectorBLAS").getDeclaredMethod("getInstance");
      instance.setAccessible(true);
      return (JavaBLAS) instance.invoke(null);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("netlib's VectorBLAS cannot be loaded", e);
    }
  }

  /** {@code C = A B} for square matrices. */
  static Contender gemm(Tensor a, Tensor b, Tensor c, Expected expected) {
    int n = Math.toIntExact(a.rows());
    float[] left = floats(a);
    float[] right = floats(b);
    float[] product = new float[n * n];
    return new Contender() {
      @Override
      public void repeat(long times) {
        for (long i = 0; i < times; i++) {
          // Row-major A B is column-major B A.
          BLAS.sgemm("N", "N", n, n, n, 1, right, n, left, n, 0, product, n);
        }
      }

      @Override
      public Optional<String> disagreement() {
        Arrays.fill(product, Float.NaN);
        repeat(1);
        NativeView.of(c).copyFrom(MemorySegment.ofArray(product));
        return expected.disagreement(c);
      }
    };
  }

  private static float[] floats(Tensor tensor) {
    float[] values = new float[Math.toIntExact(tensor.count())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) tensor.get(i);
    }
    return values;
  }
}
