// SGD with Nesterov's momentum:
//   b = momentum * b + intake * g;  p = p - rate * (g + momentum * b)
#include "step.cuh"

struct NesterovRule {
  static constexpr int SLOTS = 1;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    (void)denominator;
    const T b = stored(fma(state[0], c.own[1], g * c.own[2]));
    state[0] = b;
    return fma(fma(b, c.own[1], g), -c.own[0], p);
  }
};

STEP_KERNELS(nesterov_step, NesterovRule)
