// out_ij = out_ij + b_j
#include "panagrad.cuh"

template <typename T>
__device__ void add_intercepts(T* out, long long stride, long long rows, int outputs, const T* b) {
  for_each_element(rows, outputs, [=](long long row, long long j) { out[row * stride + j] += b[j]; });
}

extern "C" __global__ void add_intercepts_f32(float* out, long long stride, long long rows, int outputs,
                                              const float* b) {
  add_intercepts<float>(out, stride, rows, outputs, b);
}

extern "C" __global__ void add_intercepts_f64(double* out, long long stride, long long rows, int outputs,
                                              const double* b) {
  add_intercepts<double>(out, stride, rows, outputs, b);
}
