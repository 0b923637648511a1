// y = y + alpha x
#include "panagrad.cuh"

template <typename T>
__device__ void axpy(double alpha, const T* x, T* y, long long count) {
  const T factor = T(alpha);
  for (long long i = thread_in_grid(); i < count; i += threads_in_grid()) {
    y[i] = fma(factor, x[i], y[i]);
  }
}

extern "C" __global__ void axpy_f32(double alpha, const float* x, float* y, long long count) {
  axpy<float>(alpha, x, y, count);
}

extern "C" __global__ void axpy_f64(double alpha, const double* x, double* y, long long count) {
  axpy<double>(alpha, x, y, count);
}
