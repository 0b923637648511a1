// RMSProp by the variance (Graves 2013): the mean's square is taken off the mean square.
//   v = alpha * v + (1 - alpha) * g^2;  a = alpha * a + (1 - alpha) * g
//   p = p - rate * g / (sqrt(max(v - a^2, 0)) + epsilon)
// own: alpha, 1 - alpha, rate, epsilon, momentum
#include "step.cuh"

struct CentredRmsPropRule {
  static constexpr int SLOTS = 2;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    const T v = stored(fma(state[0], c.own[0], g * c.own[1] * g));
    const T a = stored(fma(state[1], c.own[0], g * c.own[1]));
    state[0] = v;
    state[1] = a;
    const T variance = v - a * a;
    denominator = sqrt(variance < 0 ? T(0) : variance) + c.own[3];
    return fma(g, -c.own[2] / denominator, p);
  }
};

STEP_KERNELS(centred_rmsprop_step, CentredRmsPropRule)
