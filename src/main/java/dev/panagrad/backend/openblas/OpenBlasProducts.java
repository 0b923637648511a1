package dev.panagrad.backend.openblas;

import dev.panagrad.backend.ProductKernels;
import dev.panagrad.backend.Transpose;
import dev.panagrad.backend.WorkerPool;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * Products and factorization by OpenBLAS from a size on where that is faster; smaller ones by the
 * host backend.
 *
 * <p>OpenBLAS computes with one thread; the rows of a result are shared between our own in blocks
 * that depend on the sizes only, so that its bits do not depend on the number of threads.
 *
 * <p>Threading: products take turns by the pool's lock.
 */
final class OpenBlasProducts implements ProductKernels {
  /**
   * Multiply-adds from which OpenBLAS is called. Measured on AVX-512 x86, 1 thread: its kernels for
   * small matrices are ahead of the host's packed ones from 8 x 8 x 8 on, the smallest that was
   * measured.
   */
  private static final double PRODUCT_CROSSOVER = 8.0 * 8 * 8;

  // Rows from which a factorization is LAPACK's.
  private static final long CHOLESKY_CROSSOVER = 16;
  // Rows of a block, at least: what packing the other operand costs is then small.
  private static final long BLOCK_ROWS = 128;
  // Blocks of a result, at most.
  private static final long MOST_BLOCKS = 16;

  private final ProductKernels host;
  private final boolean hostIsReference;
  private final WorkerPool pool;
  private final Product product = new Product();
  private final SymmetricProduct symmetric = new SymmetricProduct();

  OpenBlasProducts(ProductKernels host, boolean hostIsReference, WorkerPool pool) {
    this.host = host;
    this.hostIsReference = hostIsReference;
    this.pool = pool;
  }

  private static boolean fits(Tensor t) {
    return Math.max(Math.max(t.rows(), t.cols()), t.rowStride()) <= Integer.MAX_VALUE;
  }

  private static long blockRows(long rows) {
    long wanted = Math.max(BLOCK_ROWS, Math.ceilDiv(rows, MOST_BLOCKS));
    return Math.ceilDiv(wanted, BLOCK_ROWS) * BLOCK_ROWS;
  }

  /** The rows of a result in blocks. */
  private abstract class Blocks implements WorkerPool.ChunkTask {
    double alpha;
    Tensor a;
    double beta;
    Tensor c;
    private long blockRows;

    /** Computes {@code count} rows of the result from {@code first}. */
    abstract void rows(long first, long count);

    /** Whether worker threads may read what else the block needs. */
    boolean isRestShareable() {
      return true;
    }

    final void run(double newAlpha, Tensor newA, double newBeta, Tensor newC) {
      alpha = newAlpha;
      a = newA;
      beta = newBeta;
      c = newC;
      blockRows = blockRows(c.rows());
      int blocks = (int) Math.ceilDiv(c.rows(), blockRows);
      try {
        pool.run(this, blocks, a.isShareable() && c.isShareable() && isRestShareable());
      } finally {
        a = null;
        c = null;
      }
    }

    @Override
    public final void run(int chunk, int worker) {
      long first = chunk * blockRows;
      rows(first, Math.min(blockRows, c.rows() - first));
    }
  }

  private final class Product extends Blocks {
    private Transpose opA;
    private Transpose opB;
    private Tensor b;

    @Override
    boolean isRestShareable() {
      return b.isShareable();
    }

    @Override
    void rows(long first, long count) {
      Tensor part = opA == Transpose.NO ? a.rows(first, count) : a.columns(first, count);
      OpenBlas.gemm(opA, opB, alpha, part, b, beta, c.rows(first, count));
    }
  }

  /** A block on the diagonal, and the rectangle to its right. */
  private final class SymmetricProduct extends Blocks {
    @Override
    void rows(long first, long count) {
      Tensor left = a.columns(first, count);
      Tensor rows = c.rows(first, count);
      OpenBlas.syrk(alpha, left, beta, rows.columns(first, count));
      long rest = c.cols() - first - count;
      if (rest > 0) {
        Tensor right = a.columns(first + count, rest);
        OpenBlas.gemm(
            Transpose.YES,
            Transpose.NO,
            alpha,
            left,
            right,
            beta,
            rows.columns(first + count, rest));
      }
    }
  }

  @Override
  public void gemm(
      Transpose opA, Transpose opB, double alpha, Tensor a, Tensor b, double beta, Tensor c) {
    double inner = opA == Transpose.NO ? a.cols() : a.rows();
    if (inner == 0
        || (double) c.rows() * c.cols() * inner < PRODUCT_CROSSOVER
        || !(fits(a) && fits(b) && fits(c))) {
      host.gemm(opA, opB, alpha, a, b, beta, c);
      return;
    }
    pool.acquire();
    try {
      product.opA = opA;
      product.opB = opB;
      product.b = b;
      product.run(alpha, a, beta, c);
    } finally {
      product.b = null;
      pool.release();
    }
  }

  @Override
  public void syrk(double alpha, Tensor a, double beta, Tensor c) {
    if (a.rows() == 0
        || (double) a.rows() * a.cols() * a.cols() < PRODUCT_CROSSOVER
        || !(fits(a) && fits(c))) {
      host.syrk(alpha, a, beta, c);
      return;
    }
    pool.acquire();
    try {
      symmetric.run(alpha, a, beta, c);
      ProductKernels.mirror(c);
    } finally {
      pool.release();
    }
  }

  @Override
  public boolean cholesky(Tensor a) {
    boolean isLarge = a.rows() >= CHOLESKY_CROSSOVER && fits(a);
    return isLarge ? OpenBlas.cholesky(a) : host.cholesky(a);
  }

  /** Both read the matrix once, which is what it costs; the SIMD kernel does so on all threads. */
  @Override
  public void gemv(Transpose transpose, double alpha, Tensor a, Tensor x, double beta, Tensor y) {
    // BLAS sums a column in the element type: over 10^7 rows of F32 that loses the answer.
    boolean sumsRows = transpose == Transpose.YES && a.dtype() == DType.F32;
    if (hostIsReference && !sumsRows && fits(a) && a.count() > 0) {
      OpenBlas.gemv(transpose, alpha, a, x, beta, y);
    } else {
      host.gemv(transpose, alpha, a, x, beta, y);
    }
  }
}
