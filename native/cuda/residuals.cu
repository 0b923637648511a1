// Turns products into residuals and sums them, for each output and block of rows:
//
//   r_ij = p_ij + b_j - y_ij;   sums[block, j] = { sum r_ij, sum r_ij^2 }
//
// products is [count, outputs]. A block of 32 x 8 threads has 32 outputs, so that its loads are side by
// side; thread row s takes rows s, s + 8, ... of block blockIdx.y of rows.
#include "panagrad.cuh"

template <typename T>
__device__ void residuals(T* products, const T* b, const T* y, long long y_stride, const long long* index,
                          long long first, long long count, int outputs, long long rows_per_block, double* sums) {
  constexpr int SLICES = 8;
  __shared__ double residual_sums[SLICES][WARP];
  __shared__ double square_sums[SLICES][WARP];
  const int j = blockIdx.x * WARP + threadIdx.x;
  const int slice = threadIdx.y;
  const long long begin = blockIdx.y * rows_per_block;
  const long long end = smaller(begin + rows_per_block, count);
  double residual_sum = 0;
  double square_sum = 0;
  if (j < outputs) {
    const T intercept = b == nullptr ? T(0) : b[j];
    for (long long i = begin + slice; i < end; i += SLICES) {
      T* const at = products + i * outputs + j;
      const T r = (b == nullptr ? *at : *at + intercept) - y[row_at(index, first, i) * y_stride + j];
      *at = r;
      residual_sum += r;
      square_sum = fma(double(r), double(r), square_sum);
    }
  }
  residual_sums[slice][threadIdx.x] = residual_sum;
  square_sums[slice][threadIdx.x] = square_sum;
  __syncthreads();
  if (slice != 0 || j >= outputs) {
    return;
  }
  for (int other = 1; other < SLICES; other++) {
    residual_sum += residual_sums[other][threadIdx.x];
    square_sum += square_sums[other][threadIdx.x];
  }
  double* const to = sums + ((long long)blockIdx.y * outputs + j) * 2;
  to[0] = residual_sum;
  to[1] = square_sum;
}

extern "C" __global__ void residuals_f32(float* products, const float* b, const float* y, long long y_stride,
                                         const long long* index, long long first, long long count, int outputs,
                                         long long rows_per_block, double* sums) {
  residuals<float>(products, b, y, y_stride, index, first, count, outputs, rows_per_block, sums);
}

extern "C" __global__ void residuals_f64(double* products, const double* b, const double* y, long long y_stride,
                                         const long long* index, long long first, long long count, int outputs,
                                         long long rows_per_block, double* sums) {
  residuals<double>(products, b, y, y_stride, index, first, count, outputs, rows_per_block, sums);
}
