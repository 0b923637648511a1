// CUDA C++ for the host's compiler: what a kernel source uses of the language and its built-in names,
// on the threads of block.cpp. Included before the kernels by kernels.cpp.
//
// A name that is missing here is a compile error; nothing is stubbed out.
#pragma once

#include <math.h>

#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__ __restrict
#define __launch_bounds__(...)
#define __align__(n) alignas(n)

// One block runs at a time, so a block's shared memory can be static.
#define __shared__ static

#define DYNAMIC_SHARED(type, name) type* const name = static_cast<type*>(cudasim::dynamic_shared())

struct uint3 {
  unsigned x, y, z;
};

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned xs = 1, unsigned ys = 1, unsigned zs = 1) : x(xs), y(ys), z(zs) {}
};

// Those of the thread that runs; block.cpp sets them when it switches.
extern uint3 threadIdx;
extern uint3 blockIdx;
extern dim3 blockDim;
extern dim3 gridDim;
constexpr int warpSize = 32;

namespace cudasim {

// Where a thread waits, to notice that others wait elsewhere.
struct Site {
  const char* file;
  int line;
};

void* dynamic_shared();
void wait_for_block(Site site);
void wait_for_warp(Site site, unsigned mask);

// The bits that another lane of the warp passes to the same call.
uint64_t exchange(Site site, unsigned mask, uint64_t bits, int source_lane);
int lane();

template <typename T>
T exchange_value(Site site, unsigned mask, T value, int source_lane) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "a shuffle takes 4 or 8 bytes");
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  bits = exchange(site, mask, bits, source_lane);
  memcpy(&value, &bits, sizeof(T));
  return value;
}

template <typename To, typename From>
To same_bits(From from) {
  static_assert(sizeof(To) == sizeof(From), "same size");
  To to;
  memcpy(&to, &from, sizeof(To));
  return to;
}

}  // namespace cudasim

// ---- barriers and shuffles; the default arguments are where the call is written

inline void __syncthreads(const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  cudasim::wait_for_block({file, line});
}

inline void __syncwarp(unsigned mask = 0xffffffffu, const char* file = __builtin_FILE(), int line = __builtin_LINE()) {
  cudasim::wait_for_warp({file, line}, mask);
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, const char* file = __builtin_FILE(),
              int line = __builtin_LINE()) {
  const int start = cudasim::lane() / width * width;
  return cudasim::exchange_value({file, line}, mask, value, start + (source & (width - 1)));
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int distance, int width = 32, const char* file = __builtin_FILE(),
                  int line = __builtin_LINE()) {
  const int lane = cudasim::lane();
  const int source = lane ^ distance;
  return cudasim::exchange_value({file, line}, mask, value, source < lane / width * width + width ? source : lane);
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width = 32, const char* file = __builtin_FILE(),
                   int line = __builtin_LINE()) {
  const int lane = cudasim::lane();
  const int source = lane + int(distance);
  return cudasim::exchange_value({file, line}, mask, value, source < lane / width * width + width ? source : lane);
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width = 32, const char* file = __builtin_FILE(),
                 int line = __builtin_LINE()) {
  const int lane = cudasim::lane();
  const int source = lane - int(distance);
  return cudasim::exchange_value({file, line}, mask, value, source >= lane / width * width ? source : lane);
}

// ---- loads with a hint

template <typename T>
inline T __ldg(const T* address) {
  return *address;
}

template <typename T>
inline T __ldcs(const T* address) {
  return *address;
}

template <typename T>
inline void __stcs(T* address, T value) {
  *address = value;
}

// ---- arithmetic with a fixed rounding, and bits

inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return sqrtf(a); }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return sqrt(a); }
inline double __fma_rn(double a, double b, double c) { return fma(a, b, c); }

inline unsigned __float_as_uint(float a) { return cudasim::same_bits<unsigned>(a); }
inline float __uint_as_float(unsigned a) { return cudasim::same_bits<float>(a); }
inline int __float_as_int(float a) { return cudasim::same_bits<int>(a); }
inline float __int_as_float(int a) { return cudasim::same_bits<float>(a); }
inline long long __double_as_longlong(double a) { return cudasim::same_bits<long long>(a); }
inline double __longlong_as_double(long long a) { return cudasim::same_bits<double>(a); }

// ---- vector types, aligned as a device's instructions need them

#define CUDASIM_VECTORS(type, scalar, align2, align4)                                            \
  struct alignas(align2) type##2 {                                                               \
    scalar x, y;                                                                                 \
  };                                                                                             \
  struct alignas(align4) type##4 {                                                               \
    scalar x, y, z, w;                                                                           \
  };                                                                                             \
  inline type##2 make_##type##2(scalar x, scalar y) { return {x, y}; }                           \
  inline type##4 make_##type##4(scalar x, scalar y, scalar z, scalar w) { return {x, y, z, w}; }

CUDASIM_VECTORS(float, float, 8, 16)
CUDASIM_VECTORS(double, double, 16, 16)
CUDASIM_VECTORS(int, int, 8, 16)
CUDASIM_VECTORS(uint, unsigned, 8, 16)
CUDASIM_VECTORS(short, short, 4, 8)
CUDASIM_VECTORS(ushort, unsigned short, 4, 8)
CUDASIM_VECTORS(longlong, long long, 16, 16)
#undef CUDASIM_VECTORS
