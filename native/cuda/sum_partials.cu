// One number from those that the blocks of a reduction left: one block of 256 threads.
#include "reduce.cuh"

template <typename Combine>
__device__ void reduce_partials(const double* partial, int blocks, double* out, Combine combine) {
  double value = 0;
  for (int i = threadIdx.x; i < blocks; i += THREADS) {
    value = combine(value, partial[i]);
  }
  value = reduce_block(value, 1, combine);
  if (threadIdx.x == 0) {
    *out = value;
  }
}

extern "C" __global__ void sum_partials(const double* partial, int blocks, double* out) {
  reduce_partials(partial, blocks, out, Sum());
}

// Of magnitudes, so that 0 is a start.
extern "C" __global__ void largest_of_partials(const double* partial, int blocks, double* out) {
  reduce_partials(partial, blocks, out, Largest());
}
