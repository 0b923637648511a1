// The sum of squares: a number per block, which sum_partials.cu adds. With largest given, each element
// is divided by it first, so that squares neither overflow nor vanish; F32 elements need none, since
// double holds their squares.
#include "reduce.cuh"

struct Square {
  __device__ double operator()(double x) const { return x * x; }
};

struct ScaledSquare {
  double largest;

  __device__ double operator()(double x) const {
    const double scaled = x / largest;
    return scaled * scaled;
  }
};

template <typename T>
__device__ void norm2(const T* x, long long count, const double* largest, double* partial) {
  if (largest == nullptr) {
    reduce_vector(x, count, 0.0, Square(), Sum(), partial);
  } else {
    // All zero: 0/0 must not become the sum. The norm is then the largest magnitude itself.
    reduce_vector(x, count, 0.0, ScaledSquare{*largest == 0 ? 1 : *largest}, Sum(), partial);
  }
}

extern "C" __global__ void norm2_f32(const float* x, long long count, const double* largest, double* partial) {
  norm2<float>(x, count, largest, partial);
}

extern "C" __global__ void norm2_f64(const double* x, long long count, const double* largest, double* partial) {
  norm2<double>(x, count, largest, partial);
}
