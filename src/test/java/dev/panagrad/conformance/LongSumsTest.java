package dev.panagrad.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.DenseRows;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.backend.Transpose;
import dev.panagrad.loss.Squared;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Ten million rows of F32: sums over rows keep the answer that a running sum in F32 loses, which
 * each test computes too, so that data on which nothing can be lost fails the test. Memory: 200 MB.
 */
@Tag("simd")
@Tag("conformance")
@Tag("c2")
class LongSumsTest {
  private static final int ROWS = 10_000_000;

  /** Unit roundoff of F32. */
  private static final double U = 0x1p-24;

  /** Signal under a sum of large terms that cancel: a power of two, exact in every sum here. */
  private static final double SIGNAL = 0x1p-8;

  private static List<Backend> backends;

  @BeforeAll
  static void open() {
    backends = TestBackends.mirrored(2);
  }

  @AfterAll
  static void close() {
    TestBackends.close(backends);
  }

  private static List<Backend> fastEnough() {
    return backends.stream().filter(backend -> !TestBackends.isTooSlow(backend)).toList();
  }

  /** +1 in the first half of the rows, -1 in the second. */
  private static int sign(int row) {
    return row < ROWS / 2 ? 1 : -1;
  }

  /** What is left of the signal by a running sum in F32: nothing above 2^16, where ulp is 2^-7. */
  private static void requireLostInF32() {
    float sum = 0;
    for (int i = 0; i < ROWS; i++) {
      sum += (float) (sign(i) + SIGNAL);
    }
    assertTrue(Math.abs(sum - ROWS * SIGNAL) > 0.5 * ROWS * SIGNAL, "F32 would do: " + sum);
  }

  /**
   * Residuals are {@code sign + 2^-8}, so that the gradient of the constant column is twice the
   * signal, and the terms before they cancel are a thousand times larger.
   *
   * <p>Bound: every partial sum of at most 2^15 rows is a multiple of 2^-8 below 2^16, hence exact
   * in F32, and the sums of such blocks are exact in F64 as multiples of 2^-8 below 2^24. What is
   * left is the rounding of {@code 2 / n}, of its product and of the F32 result: relative {@code 2
   * u} with room. The squares {@code 1 +- 2^-7 + 2^-16} are exact; a running sum of them in the
   * element type over at most 256 rows adds {@code 256 u}.
   */
  @Test
  void gradientKeepsSignalUnderLargerTermsThatCancel() {
    requireLostInF32();
    try (TensorArena arena = TensorArena.open("cancelling")) {
      Tensor x = arena.allocate("X", DType.F32, ROWS, 2);
      Tensor y = arena.allocate("y", DType.F32, ROWS).fill(-SIGNAL);
      MemorySegment elements = x.segment();
      for (int i = 0; i < ROWS; i++) {
        elements.setAtIndex(ValueLayout.JAVA_FLOAT, 2L * i, 1);
        elements.setAtIndex(ValueLayout.JAVA_FLOAT, 2L * i + 1, 2 * sign(i));
      }
      Tensor w = arena.allocate("w", DType.F32, 1, 2).copyFrom(1, 0.5);
      Tensor b = arena.allocate("b", DType.F32, 1).fill(-1);
      Tensor gw = arena.allocate("gw", DType.F32, 1, 2);
      Tensor gb = arena.allocate("gb", DType.F32, 1);
      Tensor loss = arena.allocate("loss", DType.F64, 1);
      for (Backend backend : fastEnough()) {
        backend
            .linear()
            .gradient(
                new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(gw, gb, loss));
        String name = backend.name();
        assertEquals(2 * SIGNAL, gw.get(0), 2 * U * 2 * SIGNAL, name + " constant column");
        assertEquals(4, gw.get(1), 2 * U * 4, name + " alternating column");
        assertEquals(2 * SIGNAL, gb.get(0), 2 * U * 2 * SIGNAL, name + " intercept");
        double square = 1 + SIGNAL * SIGNAL;
        assertEquals(square, loss.get(0), 258 * U * square, name + " loss");
      }
    }
  }

  /**
   * Three columns around 1 and two outputs of one sign, against sums in F64 of the same elements.
   *
   * <p>Bound: as in {@link GradientConformanceTest}, {@code (d + 256 + 8) u} of the sum of
   * magnitudes, for residuals of d products and sums of at most 256 rows in F32; all weights are
   * zero, so that the terms of a residual are its target and nothing else. The reference itself is
   * off by {@code n 2^-53}, less than {@code u / 50}.
   */
  @Test
  void gradientOfManyOutputsAgreesWithSumsInF64() {
    int d = 3;
    int outputs = 2;
    double[][] sums = new double[outputs][d];
    double[][] magnitudes = new double[outputs][d];
    double[] residuals = new double[outputs];
    double[] squares = new double[outputs];
    float inF32 = 0;
    try (TensorArena arena = TensorArena.open("around one")) {
      Tensor x = arena.allocate("X", DType.F32, ROWS, d);
      Tensor y = arena.allocate("y", DType.F32, ROWS, outputs);
      MemorySegment elements = x.segment();
      MemorySegment targets = y.segment();
      SplittableRandom random = new SplittableRandom(12);
      float[] row = new float[d];
      for (int i = 0; i < ROWS; i++) {
        for (int f = 0; f < d; f++) {
          row[f] = f == 0 ? 1 : 1 + (float) (0.01 * f * (random.nextFloat() - 0.5f));
          elements.setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * d + f, row[f]);
        }
        for (int j = 0; j < outputs; j++) {
          float target = 0.1f + 0.001f * random.nextFloat() + j;
          targets.setAtIndex(ValueLayout.JAVA_FLOAT, (long) i * outputs + j, target);
          double r = -target;
          residuals[j] += r;
          squares[j] += r * r;
          for (int f = 0; f < d; f++) {
            sums[j][f] += r * row[f];
            magnitudes[j][f] += Math.abs(r * row[f]);
          }
          inF32 -= j == 0 ? target : 0;
        }
      }
      double bound = (d + 256 + 8) * U;
      double lost = Math.abs(inF32 - residuals[0]);
      assertTrue(lost > 100 * bound * Math.abs(residuals[0]), "F32 would do: " + lost);
      Tensor w = arena.allocate("w", DType.F32, outputs, d);
      Tensor b = arena.allocate("b", DType.F32, outputs);
      Tensor gw = arena.allocate("gw", DType.F32, outputs, d);
      Tensor gb = arena.allocate("gb", DType.F32, outputs);
      Tensor loss = arena.allocate("loss", DType.F64, outputs);
      double scale = 2.0 / ROWS;
      for (Backend backend : fastEnough()) {
        backend
            .linear()
            .gradient(
                new DenseRows(x, y), new Squared(), new Linear(w, b), new Gradient(gw, gb, loss));
        for (int j = 0; j < outputs; j++) {
          String what = backend.name() + " output " + j;
          for (int f = 0; f < d; f++) {
            assertEquals(
                scale * sums[j][f], gw.get(j, f), scale * bound * magnitudes[j][f], what + " gw");
          }
          double exact = scale * residuals[j];
          assertEquals(exact, gb.get(j), bound * Math.abs(exact), what + " gb");
          double mean = squares[j] / ROWS;
          assertEquals(mean, loss.get(j), 2 * bound * mean, what + " loss");
        }
      }
    }
  }

  /**
   * The same signal under terms that cancel, by the product with the transposed matrix, the dot
   * product and the norms; bounds as for the gradient.
   */
  @Test
  void productsAndNormsKeepSignalUnderLargerTermsThatCancel() {
    requireLostInF32();
    try (TensorArena arena = TensorArena.open("products")) {
      Tensor a = arena.allocate("A", DType.F32, ROWS, 2);
      Tensor v = arena.allocate("v", DType.F32, ROWS);
      MemorySegment elements = a.segment();
      MemorySegment signs = v.segment();
      for (int i = 0; i < ROWS; i++) {
        elements.setAtIndex(ValueLayout.JAVA_FLOAT, 2L * i, 1);
        elements.setAtIndex(ValueLayout.JAVA_FLOAT, 2L * i + 1, 2 * sign(i));
        signs.setAtIndex(ValueLayout.JAVA_FLOAT, i, (float) (sign(i) + SIGNAL));
      }
      Tensor ones = arena.allocate("ones", DType.F32, ROWS).fill(1);
      Tensor out = arena.allocate("out", DType.F32, 2);
      double sum = ROWS * SIGNAL;
      for (Backend backend : fastEnough()) {
        LinearAlgebra linear = backend.linear();
        String name = backend.name();
        linear.gemv(Transpose.YES, 1, a, v, 0, out);
        assertEquals(sum, out.get(0), 2 * U * sum, name + " transposed product");
        assertEquals(2.0 * ROWS, out.get(1), 2 * U * 2 * ROWS, name + " transposed product");
        assertEquals(sum, linear.dot(ones, v), 2 * U * sum, name + " dot");
        assertEquals(ROWS, linear.norm1(v), 2 * U * ROWS, name + " norm1");
        double norm = Math.sqrt(ROWS * (1 + SIGNAL * SIGNAL));
        assertEquals(norm, linear.norm2(v), 258 * U * norm, name + " norm2");
      }
    }
  }
}
