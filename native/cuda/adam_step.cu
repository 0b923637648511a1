// Adam and AdamW (Kingma and Ba 2015; Loshchilov and Hutter 2019), bias corrections folded into step
// and epsilon:
//   m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g^2
//   p = p - step * m / (sqrt(v) + epsilon)
// own: beta1, 1 - beta1, beta2, 1 - beta2, step, epsilon
#include "step.cuh"

struct AdamRule {
  static constexpr int SLOTS = 2;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    const T m = stored(fma(state[0], c.own[0], g * c.own[1]));
    const T v = stored(fma(state[1], c.own[2], g * c.own[3] * g));
    state[0] = m;
    state[1] = v;
    denominator = sqrt(v) + c.own[5];
    return fma(m, -c.own[4] / denominator, p);
  }
};

STEP_KERNELS(adam_step, AdamRule)
