// RMSProp by the variance, with momentum on the scaled gradient:
//   v, a as in centred_rmsprop_step.cu
//   b = momentum * b + g / (sqrt(max(v - a^2, 0)) + epsilon);  p = p - rate * b
// own: alpha, 1 - alpha, rate, epsilon, momentum
#include "step.cuh"

struct CentredHeavyRmsPropRule {
  static constexpr int SLOTS = 3;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    const T v = stored(fma(state[0], c.own[0], g * c.own[1] * g));
    const T a = stored(fma(state[1], c.own[0], g * c.own[1]));
    const T variance = v - a * a;
    denominator = sqrt(variance < 0 ? T(0) : variance) + c.own[3];
    const T b = stored(fma(state[2], c.own[4], g / denominator));
    state[0] = v;
    state[1] = a;
    state[2] = b;
    return fma(b, -c.own[2], p);
  }
};

STEP_KERNELS(centred_heavy_rmsprop_step, CentredHeavyRmsPropRule)
