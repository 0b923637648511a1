// Writes the numbers of a step to where its kernels read them. They come as arguments of the launch,
// which are copied when it is queued: the host may change its own at once.
#include "step.cuh"

extern "C" __global__ void write_step_control(StepControl* control, StepCoefficients penalised, StepCoefficients exempt) {
  if (threadIdx.x == 0) {
    control->penalised = penalised;
    control->exempt = exempt;
  }
}

// No clipping by norm, until clip_norm says otherwise.
extern "C" __global__ void reset_clip(StepControl* control) {
  control->clip = 1;
}
