// Adds what one part of the rows gave to the sums of a batch, in double; without accumulate, the first
// part, it takes the place of what is there:
//
//   partial[j, f]        += chunk[j, f]             for each feature f
//   partial[j, features] += sum of sums[block, j]   residuals, and their squares after them
//
// chunk is [outputs, features], partial [outputs, features + 2], sums [row_blocks, outputs, 2].
#include "panagrad.cuh"

template <typename T>
__device__ void accumulate_products(const T* chunk, long long features, int outputs, const double* sums,
                                    long long row_blocks, double* partial, int accumulate) {
  for_each_element(outputs, features, [=](long long j, long long f) {
    double* const to = partial + j * (features + 2) + f;
    const double product = chunk[j * features + f];
    *to = accumulate ? *to + product : product;
  });
  for (long long e = thread_in_grid(); e < 2LL * outputs; e += threads_in_grid()) {
    double sum = 0;
    for (long long block = 0; block < row_blocks; block++) {
      sum += sums[block * outputs * 2 + e];
    }
    double* const to = partial + e / 2 * (features + 2) + features + e % 2;
    *to = accumulate ? *to + sum : sum;
  }
}

extern "C" __global__ void accumulate_products_f32(const float* chunk, long long features, int outputs,
                                                   const double* sums, long long row_blocks, double* partial,
                                                   int accumulate) {
  accumulate_products<float>(chunk, features, outputs, sums, row_blocks, partial, accumulate);
}

extern "C" __global__ void accumulate_products_f64(const double* chunk, long long features, int outputs,
                                                   const double* sums, long long row_blocks, double* partial,
                                                   int accumulate) {
  accumulate_products<double>(chunk, features, outputs, sums, row_blocks, partial, accumulate);
}
