// SGD with momentum (Polyak 1964, in the form of Sutskever et al. 2013 without the rate inside):
//   b = momentum * b + intake * g;  p = p - rate * b
#include "step.cuh"

struct MomentumRule {
  static constexpr int SLOTS = 1;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    (void)denominator;
    const T b = stored(fma(state[0], c.own[1], g * c.own[2]));
    state[0] = b;
    return fma(b, -c.own[0], p);
  }
};

STEP_KERNELS(momentum_step, MomentumRule)
