package dev.panagrad.random;

import dev.panagrad.backend.Transpose;
import dev.panagrad.tensor.Tensor;
import java.util.function.LongBinaryOperator;

/** Products and factors of matrices, with the bounds that LinearConformanceTest derives. */
final class ProductCalls {
  private ProductCalls() {}

  static KernelCall of(KernelOperands operands, int most) {
    return switch (operands.choices.below(5)) {
      case 0, 1 -> gemv(operands, most);
      case 2 -> gemm(operands, most);
      case 3 -> syrk(operands, most);
      default -> cholesky(operands, most);
    };
  }

  /** {@code alpha * sum_l a_il b_lj + beta * c_ij}, compared element by element. */
  private static final class Product {
    private final double[] a;
    private final double[] b;
    private final double[] before;
    private final int inner;
    private final double alpha;
    private final double beta;
    private final LongBinaryOperator ofA;
    private final LongBinaryOperator ofB;

    Product(
        double[] a,
        double[] b,
        double[] before,
        int inner,
        double alpha,
        double beta,
        LongBinaryOperator ofA,
        LongBinaryOperator ofB) {
      this.a = a;
      this.b = b;
      this.before = before;
      this.inner = inner;
      this.alpha = alpha;
      this.beta = beta;
      this.ofA = ofA;
      this.ofB = ofB;
    }

    void verify(Tensor c, double unit) {
      for (int i = 0; i < c.rows(); i++) {
        for (int j = 0; j < c.cols(); j++) {
          double sum = 0;
          double magnitudes = 0;
          for (int l = 0; l < inner; l++) {
            double product = a[(int) ofA.applyAsLong(i, l)] * b[(int) ofB.applyAsLong(l, j)];
            sum += product;
            magnitudes += Math.abs(product);
          }
          double old = beta == 0 ? 0 : beta * before[(int) (i * c.cols() + j)];
          double largest = Math.abs(alpha) * magnitudes + Math.abs(old);
          KernelCall.near(
              "element", i, j, alpha * sum + old, c.get(i, j), (inner + 8) * unit * largest);
        }
      }
    }
  }

  private static double[] numbers(Tensor t) {
    return KernelOperands.readable(t) ? t.toArray() : null;
  }

  private static KernelCall gemv(KernelOperands operands, int most) {
    Transpose transpose = operands.choices.any(Transpose.values());
    boolean isPlain = transpose == Transpose.NO;
    long m = operands.choices.size(most);
    long n = operands.choices.size(most);
    double alpha = operands.factor();
    double beta = operands.factor();
    Tensor a = operands.matrix("A", m, n);
    Tensor x = operands.vector("x", isPlain ? n : m);
    Tensor y = operands.outputVector("y", operands.dtype, isPlain ? m : n);
    double[] before = numbers(y);
    return new KernelCall(
        "gemv(%s, %s, %s, %s, %s, %s)".formatted(transpose, alpha, a, x, beta, y),
        operands.outputs(),
        linear -> {
          linear.gemv(transpose, alpha, a, x, beta, y);
          return null;
        },
        _ ->
            new Product(
                    a.toArray(),
                    x.toArray(),
                    before,
                    (int) (isPlain ? n : m),
                    alpha,
                    beta,
                    isPlain ? (i, l) -> i * n + l : (i, l) -> l * n + i,
                    (l, _) -> l)
                .verify(y.reshape(y.count(), 1), KernelCall.roundoff(a)));
  }

  private static KernelCall gemm(KernelOperands operands, int most) {
    Transpose ta = operands.choices.any(Transpose.values());
    Transpose tb = operands.choices.any(Transpose.values());
    boolean plainA = ta == Transpose.NO;
    boolean plainB = tb == Transpose.NO;
    long m = operands.choices.size(most);
    long n = operands.choices.size(most);
    long k = operands.choices.size(most);
    double alpha = operands.factor();
    double beta = operands.factor();
    Tensor a = operands.matrix("A", plainA ? m : k, plainA ? k : m);
    Tensor b = operands.matrix("B", plainB ? k : n, plainB ? n : k);
    Tensor c = operands.outputMatrix("C", false, m, n);
    double[] before = numbers(c);
    return new KernelCall(
        "gemm(%s, %s, %s, %s, %s, %s, %s)".formatted(ta, tb, alpha, a, b, beta, c),
        operands.outputs(),
        linear -> {
          linear.gemm(ta, tb, alpha, a, b, beta, c);
          return null;
        },
        _ ->
            new Product(
                    a.toArray(),
                    b.toArray(),
                    before,
                    (int) k,
                    alpha,
                    beta,
                    plainA ? (i, l) -> i * k + l : (i, l) -> l * m + i,
                    plainB ? (l, j) -> l * n + j : (l, j) -> j * k + l)
                .verify(c, KernelCall.roundoff(a)));
  }

  private static KernelCall syrk(KernelOperands operands, int most) {
    long n = operands.choices.size(most);
    long d = operands.choices.size(most);
    double alpha = operands.factor();
    double beta = operands.factor();
    Tensor a = operands.ofAnyLength().matrix("A", n, d);
    Tensor c = operands.outputMatrix("C", false, d, d);
    if (operands.refusal() == null) {
      for (long i = 0; i < d; i++) {
        for (long j = 0; j < i; j++) {
          c.set(i, j, c.get(j, i));
        }
      }
    }
    double[] before = numbers(c);
    return new KernelCall(
        "syrk(%s, %s, %s, %s)".formatted(alpha, a, beta, c),
        operands.outputs(),
        linear -> {
          linear.syrk(alpha, a, beta, c);
          return null;
        },
        _ ->
            new Product(
                    a.toArray(),
                    a.toArray(),
                    before,
                    (int) n,
                    alpha,
                    beta,
                    (i, l) -> l * d + i,
                    (l, j) -> l * d + j)
                .verify(c, KernelCall.roundoff(a)));
  }

  /**
   * Of a matrix with a dominant diagonal; now and then, of one whose last diagonal element is
   * negative, or no number.
   */
  private static KernelCall cholesky(KernelOperands operands, int most) {
    int d = operands.choices.size(most);
    double last = operands.choices.oneIn(4) ? operands.choices.number(-1, Double.NaN) : 2.0 * d;
    Tensor a = operands.alone().outputMatrix("A", false, d, d);
    if (operands.refusal() == null && !a.isReadOnly()) {
      for (int i = 0; i < d; i++) {
        a.set(i, i, i == d - 1 ? last : 2.0 * d);
      }
    }
    double[] before = numbers(a);
    return new KernelCall(
        "cholesky(%s), last %s".formatted(a, last),
        operands.outputs(),
        linear -> linear.cholesky(a),
        found -> {
          boolean isDefinite = d == 0 || last > 0;
          KernelCall.near("definite", isDefinite ? 1 : 0, (boolean) found ? 1 : 0, 0);
          for (int i = 0; i < d; i++) {
            for (int j = i + 1; j < d; j++) {
              KernelCall.near("upper triangle", i, j, before[i * d + j], a.get(i, j), 0);
            }
          }
          if (isDefinite) {
            verify(a, before, d);
          }
        });
  }

  /** Higham 2002, theorem 10.3. */
  private static void verify(Tensor a, double[] before, int d) {
    double[] l = a.toArray();
    for (int i = 0; i < d; i++) {
      for (int j = 0; j <= i; j++) {
        double product = 0;
        double largest = 0;
        for (int k = 0; k <= j; k++) {
          product += l[i * d + k] * l[j * d + k];
          largest += Math.abs(l[i * d + k] * l[j * d + k]);
        }
        double bound = 2 * (d + 1) * KernelCall.roundoff(a) * largest;
        KernelCall.near("L L^T", i, j, before[i * d + j], product, bound);
      }
    }
  }
}
