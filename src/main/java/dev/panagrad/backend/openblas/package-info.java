/**
 * The OpenBLAS backend: products and the Cholesky factorization by BLAS and LAPACK, through
 * bindings that jextract generated (folder {@code jextract/openblas}); fused steps, one-pass
 * gradient and level-1 kernels by the {@code simd} backend, which BLAS has no counterpart of.
 *
 * <p>OpenBLAS runs with one thread: its own spin for 100 milliseconds after each call, which a
 * service pays for. Our pool shares the rows of a result, in blocks that do not depend on the
 * number of threads.
 *
 * <p>{@code auto} never takes it: training is gradients and steps, which are the kernels of {@code
 * simd} in both, and no native library is loaded unasked.
 */
package dev.panagrad.backend.openblas;
