// Sums over a block's threads in an order that depends on the launch only.
#pragma once

#include "panagrad.cuh"

struct Sum {
  __device__ double operator()(double a, double b) const { return a + b; }
};

// The larger; a NaN wins against every number.
struct Largest {
  __device__ double operator()(double a, double b) const {
    return a != a || a >= b ? a : b;
  }
};

// Combines the values of all threads with the same number modulo period, a power of two up to 32, in
// a block of 256. Threads below period return the result of their number; what the others return is
// unspecified. Every thread of the block must call it.
//
//   shared   | t0 | t1 | ... | t255 |
//   warp 0     lane l combines l, l + 32, ..., l + 224
//   shuffles   lane l combines l ^ 16, l ^ 8, ... down to period
template <typename Combine>
__device__ double reduce_block(double value, int period, Combine combine) {
  __shared__ double all[THREADS];
  const int thread = threadIdx.x + threadIdx.y * blockDim.x;
  __syncthreads();  // a call before this one may still be reading
  all[thread] = value;
  __syncthreads();
  if (thread < WARP) {
    for (int other = thread + WARP; other < THREADS; other += WARP) {
      value = combine(value, all[other]);
    }
    for (int distance = WARP / 2; distance >= period; distance /= 2) {
      value = combine(value, __shfl_xor_sync(ALL_LANES, value, distance));
    }
  }
  return value;
}

// Applies term(element) to the elements of x and combines the results over the block's threads, then
// leaves the block's number in partial[blockIdx.x]. Elements go to threads by groups of 16 bytes
// whether or not x is aligned, so that the order does not depend on where x lies.
template <typename T, typename Term, typename Combine>
__device__ void reduce_vector(const T* x, long long count, double start, Term term, Combine combine, double* partial) {
  const bool aligned = is_group_aligned(x);
  const long long groups = count / Group<T>::COUNT;
  double value = start;
  for (long long i = thread_in_grid(); i < groups; i += threads_in_grid()) {
    const Group<T> group = load_group(x + i * Group<T>::COUNT, aligned);
    for (int j = 0; j < Group<T>::COUNT; j++) {
      value = combine(value, term(group.at[j]));
    }
  }
  for (long long i = groups * Group<T>::COUNT + thread_in_grid(); i < count; i += threads_in_grid()) {
    value = combine(value, term(x[i]));
  }
  value = reduce_block(value, 1, combine);
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = value;
  }
}
