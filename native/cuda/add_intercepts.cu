// out_ij = out_ij + b_j
#include "panagrad.cuh"

template <typename T>
__device__ void add_intercepts(T* out, long long stride, long long rows, int outputs, const T* b) {
  for (long long e = thread_in_grid(); e < rows * outputs; e += threads_in_grid()) {
    out[e / outputs * stride + e % outputs] += b[e % outputs];
  }
}

extern "C" __global__ void add_intercepts_f32(float* out, long long stride, long long rows, int outputs,
                                              const float* b) {
  add_intercepts<float>(out, stride, rows, outputs, b);
}

extern "C" __global__ void add_intercepts_f64(double* out, long long stride, long long rows, int outputs,
                                              const double* b) {
  add_intercepts<double>(out, stride, rows, outputs, b);
}
