// y_c = alpha sum of the row blocks' sums + beta y_c. With beta = 0, y is written without being read.
// A block of 32 x 8 threads has 32 columns; thread row s adds row blocks s, s + 8, ...
#include "panagrad.cuh"

template <typename T>
__device__ void columns_combine(const double* partial, long long row_blocks, long long partial_stride, long long cols,
                                double alpha, double beta, T* y) {
  constexpr int SLICES = 8;
  __shared__ double sums[SLICES][WARP];
  const long long c = (long long)blockIdx.x * WARP + threadIdx.x;
  double sum = 0;
  if (c < cols) {
    for (long long block = threadIdx.y; block < row_blocks; block += SLICES) {
      sum += partial[block * partial_stride + c];
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || c >= cols) {
    return;
  }
  for (int slice = 1; slice < SLICES; slice++) {
    sum += sums[slice][threadIdx.x];
  }
  y[c] = T(beta == 0 ? alpha * sum : fma(beta, double(y[c]), alpha * sum));
}

extern "C" __global__ void columns_combine_f32(const double* partial, long long row_blocks, long long partial_stride,
                                               long long cols, double alpha, double beta, float* y) {
  columns_combine<float>(partial, row_blocks, partial_stride, cols, alpha, beta, y);
}

extern "C" __global__ void columns_combine_f64(const double* partial, long long row_blocks, long long partial_stride,
                                               long long cols, double alpha, double beta, double* y) {
  columns_combine<double>(partial, row_blocks, partial_stride, cols, alpha, beta, y);
}
