// What every kernel of this folder shares.
//
// A kernel is a template over the element type T, float or double, and is exported once for each as
// NAME_f32 and NAME_f64. Sizes, indices and strides are long long; strides are in elements. The same
// sources are compiled by nvcc for devices and by the host's C++ compiler for the software device of
// native/cudasim, so they keep to plain C++, barriers and shuffles.
#pragma once

#ifndef DYNAMIC_SHARED
// The dynamic shared memory of a block, as a pointer to its first element.
#define DYNAMIC_SHARED(type, name)                               \
  extern __shared__ __align__(16) unsigned char dynamic_shared[]; \
  type* const name = reinterpret_cast<type*>(dynamic_shared)
#endif

// All 32 lanes of a warp take part in every shuffle.
constexpr unsigned ALL_LANES = 0xffffffffu;

constexpr int WARP = 32;

// Threads of a block in all kernels but those with one thread or one warp.
constexpr int THREADS = 256;

// Rows that are summed in the element type before they are added in double, so that the rounding
// error of a sum over n rows does not grow with n.
constexpr int ROWS_IN_ELEMENT_TYPE = 256;

// This thread's number in a one-dimensional grid, and how many there are.
__device__ inline long long thread_in_grid() {
  return (long long)blockIdx.x * blockDim.x + threadIdx.x;
}

__device__ inline long long threads_in_grid() {
  return (long long)gridDim.x * blockDim.x;
}

__device__ inline long long smaller(long long a, long long b) {
  return a < b ? a : b;
}

// Calls body(row, col) for each element of a matrix, neighbouring threads on neighbouring columns. Most
// matrices have fewer than 2^31 elements, and a division of 32 bits costs a fraction of one of 64.
template <typename Body>
__device__ inline void for_each_element(long long rows, long long cols, Body body) {
  const long long count = rows * cols;
  if (count <= 0x7fffffff) {
    const unsigned width = unsigned(cols);
    for (long long e = thread_in_grid(); e < count; e += threads_in_grid()) {
      body((long long)(unsigned(e) / width), (long long)(unsigned(e) % width));
    }
  } else {
    for (long long e = thread_in_grid(); e < count; e += threads_in_grid()) {
      body(e / cols, e % cols);
    }
  }
}

// Row of position i of a batch: a run of rows from first, or what the index says there.
__device__ inline long long row_at(const long long* index, long long first, long long i) {
  return index == nullptr ? first + i : index[first + i];
}

// Sixteen bytes, which a thread moves by one instruction.
template <typename T>
struct alignas(16) Group {
  static constexpr int COUNT = 16 / sizeof(T);
  T at[COUNT];
};

template <typename T>
__device__ inline bool is_group_aligned(const T* address) {
  return reinterpret_cast<unsigned long long>(address) % 16 == 0;
}

template <typename T>
__device__ inline Group<T> load_group(const T* address, bool aligned) {
  if (aligned) {
    return *reinterpret_cast<const Group<T>*>(address);
  }
  Group<T> group;
  for (int i = 0; i < Group<T>::COUNT; i++) {
    group.at[i] = address[i];
  }
  return group;
}
