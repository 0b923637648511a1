// Copies the rows of a batch, those of a run or those of an index, into rows out_stride apart.
#include "panagrad.cuh"

template <typename T>
__device__ void gather_rows(const T* x, long long stride, const long long* index, long long first, long long count,
                            long long cols, T* out, long long out_stride) {
  for_each_element(count, cols, [=](long long row, long long col) {
    out[row * out_stride + col] = x[row_at(index, first, row) * stride + col];
  });
}

extern "C" __global__ void gather_rows_f32(const float* x, long long stride, const long long* index, long long first,
                                           long long count, long long cols, float* out, long long out_stride) {
  gather_rows<float>(x, stride, index, first, count, cols, out, out_stride);
}

extern "C" __global__ void gather_rows_f64(const double* x, long long stride, const long long* index, long long first,
                                           long long count, long long cols, double* out, long long out_stride) {
  gather_rows<double>(x, stride, index, first, count, cols, out, out_stride);
}
