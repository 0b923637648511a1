// The sum of magnitudes: a number per block, which sum_partials.cu adds.
#include "reduce.cuh"

struct Magnitude {
  __device__ double operator()(double x) const { return fabs(x); }
};

extern "C" __global__ void norm1_f32(const float* x, long long count, double* partial) {
  reduce_vector(x, count, 0.0, Magnitude(), Sum(), partial);
}

extern "C" __global__ void norm1_f64(const double* x, long long count, double* partial) {
  reduce_vector(x, count, 0.0, Magnitude(), Sum(), partial);
}
