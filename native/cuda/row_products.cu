// Products of rows with one or a few vectors, one warp per row:
//
//   out_ij = alpha x_i . w_j + b_j + beta out_ij
//
// A lane has four sums, of columns 32 apart, so that its loads do not wait for one another; the lanes'
// sums are added in a fixed order. With beta = 0, out is written without being read.
//
// Few rows that are wide would leave most of a device idle: slice blockIdx.y computes the columns from
// blockIdx.y * slice_columns on alone, and writes its own out, slice_stride after the one before.
#include "panagrad.cuh"

template <typename T>
__device__ T row_product(const T* x, const T* w, long long features) {
  constexpr int SUMS = 4;
  const int lane = threadIdx.x % WARP;
  T sums[SUMS] = {};
  long long f = lane;
  for (; f + (SUMS - 1) * WARP < features; f += SUMS * WARP) {
    for (int i = 0; i < SUMS; i++) {
      sums[i] = fma(x[f + i * WARP], w[f + i * WARP], sums[i]);
    }
  }
  for (; f < features; f += WARP) {
    sums[0] = fma(x[f], w[f], sums[0]);
  }
  T sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  for (int distance = WARP / 2; distance >= 1; distance /= 2) {
    sum += __shfl_xor_sync(ALL_LANES, sum, distance);
  }
  return sum;
}

template <typename T>
__device__ void row_products(const T* x, long long x_stride, const long long* index, long long first, long long count,
                             long long features, const T* w, long long w_stride, int outputs, const T* b, double alpha,
                             double beta, T* out, long long out_stride, long long slice_columns,
                             long long slice_stride) {
  const long long from = blockIdx.y * slice_columns;
  const long long columns = smaller(slice_columns, features - from);
  x += from;
  w += from;
  out += blockIdx.y * slice_stride;
  const T product_factor = T(alpha);
  const T out_factor = T(beta);
  for (long long i = thread_in_grid() / WARP; i < count; i += threads_in_grid() / WARP) {
    const T* row = x + row_at(index, first, i) * x_stride;
    for (int j = 0; j < outputs; j++) {
      T value = product_factor * row_product(row, w + j * w_stride, columns);
      if (threadIdx.x % WARP == 0) {
        T* const to = out + i * out_stride + j;
        value = b == nullptr ? value : value + b[j];
        *to = out_factor == 0 ? value : fma(out_factor, *to, value);
      }
    }
  }
}

extern "C" __global__ void row_products_f32(const float* x, long long x_stride, const long long* index, long long first,
                                            long long count, long long features, const float* w, long long w_stride,
                                            int outputs, const float* b, double alpha, double beta, float* out,
                                            long long out_stride, long long slice_columns, long long slice_stride) {
  row_products<float>(x, x_stride, index, first, count, features, w, w_stride, outputs, b, alpha, beta, out, out_stride,
                      slice_columns, slice_stride);
}

extern "C" __global__ void row_products_f64(const double* x, long long x_stride, const long long* index,
                                            long long first, long long count, long long features, const double* w,
                                            long long w_stride, int outputs, const double* b, double alpha, double beta,
                                            double* out, long long out_stride, long long slice_columns, long long slice_stride) {
  row_products<double>(x, x_stride, index, first, count, features, w, w_stride, outputs, b, alpha, beta, out, out_stride,
                      slice_columns, slice_stride);
}
