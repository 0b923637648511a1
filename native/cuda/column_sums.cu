// Sums of columns weighted by rows, r^T A: one thread per column and block of rows. A block's sums go
// to its own row of partial, which columns_combine.cu or gradient_combine.cu adds.
#include "panagrad.cuh"

template <typename T>
__device__ void column_sums(const T* a, long long stride, const long long* index, long long first, long long count,
                            long long cols, const T* r, long long r_stride, double* partial, long long partial_stride,
                            long long rows_per_block, int accumulate) {
  const long long c = thread_in_grid();
  if (c >= cols) {
    return;
  }
  const long long begin = blockIdx.y * rows_per_block;
  const long long end = smaller(begin + rows_per_block, count);
  double total = 0;
  for (long long start = begin; start < end; start += ROWS_IN_ELEMENT_TYPE) {
    const long long stop = smaller(start + ROWS_IN_ELEMENT_TYPE, end);
    T sum = 0;
    for (long long i = start; i < stop; i++) {
      sum = fma(r[i * r_stride], a[row_at(index, first, i) * stride + c], sum);
    }
    total += sum;
  }
  double* const to = partial + blockIdx.y * partial_stride + c;
  *to = accumulate ? *to + total : total;
}

extern "C" __global__ void column_sums_f32(const float* a, long long stride, const long long* index, long long first,
                                           long long count, long long cols, const float* r, long long r_stride,
                                           double* partial, long long partial_stride, long long rows_per_block,
                                           int accumulate) {
  column_sums<float>(a, stride, index, first, count, cols, r, r_stride, partial, partial_stride, rows_per_block,
                     accumulate);
}

extern "C" __global__ void column_sums_f64(const double* a, long long stride, const long long* index, long long first,
                                           long long count, long long cols, const double* r, long long r_stride,
                                           double* partial, long long partial_stride, long long rows_per_block,
                                           int accumulate) {
  column_sums<double>(a, stride, index, first, count, cols, r, r_stride, partial, partial_stride, rows_per_block,
                      accumulate);
}
