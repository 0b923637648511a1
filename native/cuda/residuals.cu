// Turns products into residuals and sums them, for each output and block of rows:
//
//   r_ij = sum of p_ij over the slices + b_j - y_ij;   sums of the block = { sum r_ij, sum r_ij^2 }
//
// products is [slices, count, outputs], the slices being those of row_products.cu; residuals take the
// place of slice 0. A block of threads has blockDim.x outputs, so that its loads are side by side;
// thread row s takes rows s, s + blockDim.y, ... of block blockIdx.y of rows.
//
// Output j of block i of rows has its two sums at sums[i * block_stride + j * output_stride]; with
// accumulate they are added to what is there.
#include "panagrad.cuh"

template <typename T>
__device__ void residuals(T* products, int slices, const T* b, const T* y, long long y_stride, const long long* index,
                          long long first, long long count, int outputs, long long rows_per_block, double* sums,
                          long long block_stride, long long output_stride, int accumulate) {
  __shared__ double residual_sums[THREADS];
  __shared__ double square_sums[THREADS];
  const int j = blockIdx.x * blockDim.x + threadIdx.x;
  const int thread = threadIdx.y * blockDim.x + threadIdx.x;
  const long long begin = blockIdx.y * rows_per_block;
  const long long end = smaller(begin + rows_per_block, count);
  double residual_sum = 0;
  double square_sum = 0;
  if (j < outputs) {
    for (long long i = begin + threadIdx.y; i < end; i += blockDim.y) {
      T* const at = products + i * outputs + j;
      T r = *at;
      for (int slice = 1; slice < slices; slice++) {
        r += at[slice * count * outputs];
      }
      r = (b == nullptr ? r : r + b[j]) - y[row_at(index, first, i) * y_stride + j];
      *at = r;
      residual_sum += r;
      square_sum = fma(double(r), double(r), square_sum);
    }
  }
  residual_sums[thread] = residual_sum;
  square_sums[thread] = square_sum;
  __syncthreads();
  if (threadIdx.y != 0 || j >= outputs) {
    return;
  }
  for (int other = 1; other < int(blockDim.y); other++) {
    residual_sum += residual_sums[other * blockDim.x + thread];
    square_sum += square_sums[other * blockDim.x + thread];
  }
  double* const to = sums + blockIdx.y * block_stride + j * output_stride;
  to[0] = accumulate ? to[0] + residual_sum : residual_sum;
  to[1] = accumulate ? to[1] + square_sum : square_sum;
}

extern "C" __global__ void residuals_f32(float* products, int slices, const float* b, const float* y, long long y_stride,
                                         const long long* index, long long first, long long count, int outputs,
                                         long long rows_per_block, double* sums, long long block_stride,
                                         long long output_stride, int accumulate) {
  residuals<float>(products, slices, b, y, y_stride, index, first, count, outputs, rows_per_block, sums, block_stride,
                output_stride, accumulate);
}

extern "C" __global__ void residuals_f64(double* products, int slices, const double* b, const double* y, long long y_stride,
                                         const long long* index, long long first, long long count, int outputs,
                                         long long rows_per_block, double* sums, long long block_stride,
                                         long long output_stride, int accumulate) {
  residuals<double>(products, slices, b, y, y_stride, index, first, count, outputs, rows_per_block, sums, block_stride,
                output_stride, accumulate);
}
