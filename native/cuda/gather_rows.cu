// Copies the rows of a batch side by side: out is [count, cols] without gaps.
#include "panagrad.cuh"

template <typename T>
__device__ void gather_rows(const T* x, long long stride, const long long* index, long long first, long long count,
                            long long cols, T* out) {
  for (long long e = thread_in_grid(); e < count * cols; e += threads_in_grid()) {
    out[e] = x[row_at(index, first, e / cols) * stride + e % cols];
  }
}

extern "C" __global__ void gather_rows_f32(const float* x, long long stride, const long long* index, long long first,
                                           long long count, long long cols, float* out) {
  gather_rows<float>(x, stride, index, first, count, cols, out);
}

extern "C" __global__ void gather_rows_f64(const double* x, long long stride, const long long* index, long long first,
                                           long long count, long long cols, double* out) {
  gather_rows<double>(x, stride, index, first, count, cols, out);
}
