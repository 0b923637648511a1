// How many elements are infinite or NaN: a number per block, which sum_partials.cu adds.
#include "reduce.cuh"

struct NotFinite {
  // x - x is 0 for a finite number and NaN for all others.
  template <typename T>
  __device__ double operator()(T x) const {
    return x - x == 0 ? 0 : 1;
  }
};

extern "C" __global__ void finite_check_f32(const float* x, long long count, double* partial) {
  reduce_vector(x, count, 0.0, NotFinite(), Sum(), partial);
}

extern "C" __global__ void finite_check_f64(const double* x, long long count, double* partial) {
  reduce_vector(x, count, 0.0, NotFinite(), Sum(), partial);
}
