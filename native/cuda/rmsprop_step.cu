// RMSProp (Tieleman and Hinton 2012), epsilon outside the root:
//   v = alpha * v + (1 - alpha) * g^2;  p = p - rate * g / (sqrt(v) + epsilon)
// own: alpha, 1 - alpha, rate, epsilon, momentum
#include "step.cuh"

struct RmsPropRule {
  static constexpr int SLOTS = 1;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    const T v = stored(fma(state[0], c.own[0], g * c.own[1] * g));
    state[0] = v;
    denominator = sqrt(v) + c.own[3];
    return fma(g, -c.own[2] / denominator, p);
  }
};

STEP_KERNELS(rmsprop_step, RmsPropRule)
