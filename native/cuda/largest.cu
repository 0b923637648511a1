// The largest magnitude, NaN if there is one: a number per block for largest_of_partials.
#include "reduce.cuh"

struct MagnitudeOrNan {
  __device__ double operator()(double x) const { return fabs(x); }
};

extern "C" __global__ void largest_f32(const float* x, long long count, double* partial) {
  reduce_vector(x, count, 0.0, MagnitudeOrNan(), Largest(), partial);
}

extern "C" __global__ void largest_f64(const double* x, long long count, double* partial) {
  reduce_vector(x, count, 0.0, MagnitudeOrNan(), Largest(), partial);
}
