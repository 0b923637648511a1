// x . y, products and sums in double: a number per block, which sum_partials.cu adds.
#include "reduce.cuh"

template <typename T>
__device__ void dot(const T* x, const T* y, long long count, double* partial) {
  const bool aligned = is_group_aligned(x) && is_group_aligned(y);
  const long long groups = count / Group<T>::COUNT;
  double sum = 0;
  for (long long i = thread_in_grid(); i < groups; i += threads_in_grid()) {
    const Group<T> a = load_group(x + i * Group<T>::COUNT, aligned);
    const Group<T> b = load_group(y + i * Group<T>::COUNT, aligned);
    for (int j = 0; j < Group<T>::COUNT; j++) {
      sum = fma(double(a.at[j]), double(b.at[j]), sum);
    }
  }
  for (long long i = groups * Group<T>::COUNT + thread_in_grid(); i < count; i += threads_in_grid()) {
    sum = fma(double(x[i]), double(y[i]), sum);
  }
  sum = reduce_block(sum, 1, Sum());
  if (threadIdx.x == 0) {
    partial[blockIdx.x] = sum;
  }
}

extern "C" __global__ void dot_f32(const float* x, const float* y, long long count, double* partial) {
  dot<float>(x, y, count, partial);
}

extern "C" __global__ void dot_f64(const double* x, const double* y, long long count, double* partial) {
  dot<double>(x, y, count, partial);
}
