// Adam with the largest second moment so far (Reddi, Kale and Kumar 2018):
//   m, v as in adam_step.cu;  x = max(x, v);  p = p - step * m / (sqrt(x) + epsilon)
// own: beta1, 1 - beta1, beta2, 1 - beta2, step, epsilon
#include "step.cuh"

struct AmsGradRule {
  static constexpr int SLOTS = 3;

  template <typename T>
  static __device__ T update(T p, T g, T* state, const StepNumbers<T>& c, T& denominator) {
    const T m = stored(fma(state[0], c.own[0], g * c.own[1]));
    const T v = stored(fma(state[1], c.own[2], g * c.own[3] * g));
    // A NaN must stay: fmax would drop it.
    const T x = v > state[2] || v != v ? v : state[2];
    state[0] = m;
    state[1] = v;
    state[2] = x;
    denominator = sqrt(x) + c.own[5];
    return fma(m, -c.own[4] / denominator, p);
  }
};

STEP_KERNELS(amsgrad_step, AmsGradRule)
