// RMSProp with momentum on the scaled gradient:
//   v = alpha * v + (1 - alpha) * g^2;  b = momentum * b + g / (sqrt(v) + epsilon);  p = p - rate * b
// own: alpha, 1 - alpha, rate, epsilon, momentum
#include "step.cuh"

struct HeavyRmsPropRule {
  static constexpr int SLOTS = 2;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    const T v = stored(fma(state[0], c.own[0], g * c.own[1] * g));
    denominator = sqrt(v) + c.own[3];
    const T b = stored(fma(state[1], c.own[4], g / denominator));
    state[0] = v;
    state[1] = b;
    return fma(b, -c.own[2], p);
  }
};

STEP_KERNELS(heavy_rmsprop_step, HeavyRmsPropRule)
