package dev.panagrad.backend.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.panagrad.backend.Availability;
import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.MathMode;
import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Products in fewer bits only where they were asked for, and within the bounds of those bits. */
@Tag("cuda")
class CudaMathModeTest {
  private static final int N = 96;

  @BeforeEach
  void device() {
    assumeTrue(new CudaProvider().probe() instanceof Availability.Available, "no CUDA device");
  }

  /** Error of A B against double, as a multiple of the sum of the terms' magnitudes. */
  private static double error(MathMode mode, DType dtype) {
    try (Backend backend = new CudaProvider().open(new BackendOptions(1).withMath(mode));
        TensorArena arena = TensorArena.open("product")) {
      Tensor a = arena.allocate("A", dtype, N, N);
      Tensor b = arena.allocate("B", dtype, N, N);
      SplittableRandom random = new SplittableRandom(1);
      for (long i = 0; i < a.count(); i++) {
        a.set(i, random.nextGaussian());
        b.set(i, random.nextGaussian());
      }
      Tensor c = backend.allocate(arena, "C", dtype, Shape.of(N, N));
      backend
          .linear()
          .gemm(
              Transpose.NO,
              Transpose.NO,
              1,
              backend.place(arena, a),
              backend.place(arena, b),
              0,
              c);
      Tensor found = arena.allocate("found", dtype, N, N);
      backend.copy(c, found);
      double largest = 0;
      for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++) {
          double sum = 0;
          double magnitude = 0;
          for (int k = 0; k < N; k++) {
            double term = a.get(i, k) * b.get(k, j);
            sum += term;
            magnitude += Math.abs(term);
          }
          largest = Math.max(largest, Math.abs(found.get(i, j) - sum) / magnitude);
        }
      }
      return largest;
    }
  }

  @Test
  void bitsAreThoseAskedFor() {
    // Two rounded factors of each term, 10 and 7 bits of mantissa beside the leading one, and N
    // sums in F32.
    double sums = N * 0x1p-24;
    double f32 = error(MathMode.F32, DType.F32);
    assertTrue(f32 <= sums, "F32 " + f32);
    double tf32 = error(MathMode.TF32, DType.F32);
    // Turing has no TF32, and computes in F32.
    assertTrue((tf32 > 4 * f32 || hasNoTf32()) && tf32 <= 2 * 0x1p-10 + sums, "TF32 " + tf32);
    double bf16 = error(MathMode.BF16, DType.F32);
    assertTrue(bf16 > 2 * tf32 && bf16 <= 2 * 0x1p-8 + sums, "BF16 " + bf16);
  }

  private static boolean hasNoTf32() {
    return new CudaProvider().probe() instanceof Availability.Available yes
        && yes.detail().contains("compute capability 7.");
  }

  /** F64 has no such mode. */
  @Test
  void f64IsAlwaysF64() {
    for (MathMode mode : MathMode.values()) {
      double f64 = error(mode, DType.F64);
      assertTrue(f64 <= N * 0x1p-53, mode + " " + f64);
    }
  }

  @Test
  void f32IsTheDefault() {
    assertEquals(MathMode.F32, BackendOptions.defaults().math());
    assertEquals(
        error(BackendOptions.defaults().math(), DType.F32), error(MathMode.F32, DType.F32));
  }
}
