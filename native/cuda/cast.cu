// Casts between F32 and bfloat16, the upper half of an F32: 8 bits of exponent, 7 of mantissa.
#include "panagrad.cuh"

union FloatBits {
  float value;
  unsigned bits;
};

// To nearest, ties to even; a NaN stays a NaN, quiet, whatever its lower half.
__device__ inline unsigned short to_bf16(float x) {
  FloatBits as;
  as.value = x;
  if (x != x) {
    return (unsigned short)(as.bits >> 16 | 0x40u);
  }
  const unsigned odd = as.bits >> 16 & 1u;
  return (unsigned short)((as.bits + 0x7fffu + odd) >> 16);
}

// in is [rows, cols] with rows in_stride apart, those of out are out_stride apart.
extern "C" __global__ void cast_f32_bf16(const float* in, long long in_stride, long long rows, long long cols,
                                         unsigned short* out, long long out_stride) {
  for_each_element(rows, cols, [=](long long row, long long col) {
    out[row * out_stride + col] = to_bf16(in[row * in_stride + col]);
  });
}

extern "C" __global__ void cast_bf16_f32(const unsigned short* in, long long count, float* out) {
  for (long long e = thread_in_grid(); e < count; e += threads_in_grid()) {
    FloatBits as;
    as.bits = unsigned(in[e]) << 16;
    out[e] = as.value;
  }
}
