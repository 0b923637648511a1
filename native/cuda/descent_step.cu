// Gradient descent, and SGD without momentum: p = p - rate * g.
#include "step.cuh"

struct DescentRule {
  static constexpr int SLOTS = 0;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    (void)state;
    (void)denominator;
    return fma(g, -c.own[0], p);
  }
};

STEP_KERNELS(descent_step, DescentRule)
