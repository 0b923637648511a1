// The part of an optimizer's step that does not depend on the rule. One pass over memory:
//
//   h = clamp(scale * g, bound) + decay * p      clipping, coupled weight decay, L2 penalty
//   p = shrink * p                               decoupled weight decay
//   p, state = rule(p, h, state)
//   p = soft_threshold(p, l1 / denominator)      L1 penalty in the metric of the step
//
// Operations and their order are those of the CPU's fused steps.
#pragma once

#include "panagrad.cuh"

// The numbers of one step, as dev.panagrad.rule.StepCoefficients has them.
struct StepCoefficients {
  double gradient_scale;
  double clip_value;
  double coupled_decay;
  double shrink;
  double l1_step;
  double own[8];  // the rule's
};

// Where a step reads its numbers: device memory, so that a captured graph need not change with them.
//
//   | penalised: 13 doubles | exempt: 13 doubles | clip |
struct StepControl {
  StepCoefficients penalised;
  StepCoefficients exempt;  // from weight decay and penalties
  double clip;              // factor from clipping by norm
};

// The same numbers rounded to the element type.
template <typename T>
struct StepNumbers {
  T scale;
  T bound;
  T decay;
  T shrink;
  T l1;
  T own[8];

  __device__ StepNumbers(const StepCoefficients& c, double clip)
      : scale(T(c.gradient_scale * clip)),
        bound(T(c.clip_value)),
        decay(T(c.coupled_decay)),
        shrink(T(c.shrink)),
        l1(T(c.l1_step)) {
    for (int i = 0; i < 8; i++) {
      own[i] = T(c.own[i]);
    }
  }
};

// State below the smallest normal number is kept as zero: subnormal numbers are slow on CPUs, and all
// backends keep the same state.
template <typename T>
__device__ inline T stored(T state) {
  const T tiny = sizeof(T) == 4 ? T(1.17549435082228750797e-38) : T(2.2250738585072014e-308);
  return fabs(state) < tiny ? T(0) : state;
}

// A rule has SLOTS state vectors and
//   template <typename T> static T update(T p, T h, T* state, const StepNumbers<T>& c, T& denominator)
// which returns the moved parameter; denominator is what the rule divided the rate by, 1 on entry.
template <typename T, typename Rule>
__device__ inline T step_element(T p, T g, T* state, const StepNumbers<T>& c) {
  T h = g * c.scale;
  // Comparisons that are false for NaN, which must not be clipped away.
  h = h > c.bound ? c.bound : h;
  h = h < -c.bound ? -c.bound : h;
  // Absent decay adds nothing even where p is infinite.
  h = c.decay != 0 ? fma(p, c.decay, h) : h;
  p = c.shrink != 1 ? p * c.shrink : p;
  T denominator = 1;
  p = Rule::update(p, h, state, c, denominator);
  if (c.l1 != 0) {
    const T threshold = c.l1 / denominator;
    const T moved = p < 0 ? p + threshold : p - threshold;
    p = fabs(p) <= threshold ? T(0) : moved;
  }
  return p;
}

// Range 0 is [0, split) with the penalised numbers, range 1 is [split, count) with the exempt ones;
// part is the range of blockIdx.y = 0.
template <typename T, typename Rule>
__device__ void step(T* p, const T* g, T* s0, T* s1, T* s2, long long split, long long count, int part,
                     const StepControl* control) {
  constexpr int SLOTS = Rule::SLOTS;
  constexpr int GROUP = Group<T>::COUNT;
  const bool exempt = part + int(blockIdx.y) == 1;
  const StepNumbers<T> c(exempt ? control->exempt : control->penalised, control->clip);
  const long long from = exempt ? split : 0;
  const long long n = exempt ? count - split : split;
  p += from;
  g += from;
  T* slots[3] = {s0, s1, s2};
  bool aligned = is_group_aligned(p) && is_group_aligned(g);
  for (int s = 0; s < SLOTS; s++) {
    slots[s] += from;
    aligned = aligned && is_group_aligned(slots[s]);
  }
  const long long groups = aligned ? n / GROUP : 0;
  for (long long i = thread_in_grid(); i < groups; i += threads_in_grid()) {
    const long long at = i * GROUP;
    Group<T> parameters = load_group(p + at, true);
    const Group<T> gradients = load_group(g + at, true);
    Group<T> states[3];
    for (int s = 0; s < SLOTS; s++) {
      states[s] = load_group(slots[s] + at, true);
    }
    for (int j = 0; j < GROUP; j++) {
      T state[3];
      for (int s = 0; s < SLOTS; s++) {
        state[s] = states[s].at[j];
      }
      parameters.at[j] = step_element<T, Rule>(parameters.at[j], gradients.at[j], state, c);
      for (int s = 0; s < SLOTS; s++) {
        states[s].at[j] = state[s];
      }
    }
    *reinterpret_cast<Group<T>*>(p + at) = parameters;
    for (int s = 0; s < SLOTS; s++) {
      *reinterpret_cast<Group<T>*>(slots[s] + at) = states[s];
    }
  }
  for (long long i = groups * GROUP + thread_in_grid(); i < n; i += threads_in_grid()) {
    T state[3];
    for (int s = 0; s < SLOTS; s++) {
      state[s] = slots[s][i];
    }
    p[i] = step_element<T, Rule>(p[i], g[i], state, c);
    for (int s = 0; s < SLOTS; s++) {
      slots[s][i] = state[s];
    }
  }
}

#define STEP_KERNEL(name, type, rule)                                                            \
  extern "C" __global__ void __launch_bounds__(THREADS)                                          \
      name(type* p, const type* g, type* s0, type* s1, type* s2, long long split, long long count, \
           int part, const StepControl* control) {                                               \
    step<type, rule>(p, g, s0, s1, s2, split, count, part, control);                             \
  }

// NAME_f32 and NAME_f64.
#define STEP_KERNELS(name, rule)         \
  STEP_KERNEL(name##_f32, float, rule)   \
  STEP_KERNEL(name##_f64, double, rule)
