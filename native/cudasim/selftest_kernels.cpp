// The kernels of the self-test.
#include "cuda_on_host.h"
#include "typed_kernel.h"

namespace {

__global__ void fill(float* x, long long count, float value) {
  const long long threads = (long long)gridDim.x * blockDim.x;
  for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += threads) {
    x[i] = value;
  }
}

__global__ void add(const float* x, float* y, long long count) {
  const long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x;
  if (i < count) {
    y[i] += x[i];
  }
}

// Each block reverses its 256 numbers.
__global__ void reverse(float* x) {
  __shared__ float all[256];
  all[threadIdx.x] = x[blockIdx.x * 256 + threadIdx.x];
  __syncthreads();
  x[blockIdx.x * 256 + threadIdx.x] = all[255 - threadIdx.x];
}

// The same without the barrier that it needs.
__global__ void reverse_unsafely(float* x) {
  __shared__ float all[256];
  all[threadIdx.x] = x[threadIdx.x];
  x[threadIdx.x] = all[255 - threadIdx.x];
}

__global__ void half_waits(float*) {
  if (threadIdx.x < 128) {
    __syncthreads();
  }
}

__global__ void lanes_part(float*) {
  if (threadIdx.x % 2 == 0) {
    __syncwarp();
  }
}

__global__ void two_places(float*) {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

// y[0..31] sums by xor, y[32..63] from above, y[64..95] from lane 3; doubles.
__global__ void shuffles(double* y) {
  double sum = threadIdx.x;
  for (int distance = 16; distance >= 1; distance /= 2) {
    sum += __shfl_xor_sync(0xffffffffu, sum, distance);
  }
  y[threadIdx.x] = sum;
  y[32 + threadIdx.x] = __shfl_down_sync(0xffffffffu, double(threadIdx.x), 2);
  y[64 + threadIdx.x] = __shfl_sync(0xffffffffu, double(threadIdx.x), 3);
}

__global__ void dynamic(float* y, int count) {
  DYNAMIC_SHARED(float, shared);
  if (threadIdx.x == 0) {
    y[0] = shared[count - 1];
    shared[count - 1] = 1;
  }
}

// y takes what shared memory starts with.
__global__ void leftover(float* y) {
  __shared__ float shared[64];
  y[blockIdx.x] = shared[63];
  __syncthreads();
  shared[63] = 1;
}

__global__ void barriers(float* x, int count) {
  for (int i = 0; i < count; i++) {
    __syncthreads();
  }
  if (threadIdx.x == 0) {
    x[0] = 1;
  }
}

}  // namespace

namespace cudasim {

const Kernel* find_kernel(const char* name) {
#define KERNEL(name) typed_kernel<name>("selftest.cu", #name),
  static constexpr Kernel ALL[] = {
      KERNEL(fill)
      KERNEL(add)
      KERNEL(reverse)
      KERNEL(reverse_unsafely)
      KERNEL(half_waits)
      KERNEL(lanes_part)
      KERNEL(two_places)
      KERNEL(shuffles)
      KERNEL(dynamic)
      KERNEL(barriers)
      KERNEL(leftover)
  };
  for (const Kernel& kernel : ALL) {
    if (strcmp(kernel.name, name) == 0) {
      return &kernel;
    }
  }
  return nullptr;
}

}  // namespace cudasim
