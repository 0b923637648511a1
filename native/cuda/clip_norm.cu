// The factor that brings a gradient's norm down to a bound, where the step reads it: the host does not
// wait for the norm.
//
//   norm = sqrt(sum) * largest;  clip = min(1, bound / (norm + 1e-6))      (Pascanu et al. 2013)
#include "step.cuh"

extern "C" __global__ void clip_norm(const double* sum, const double* largest, double bound, StepControl* control) {
  double norm = sqrt(*sum);
  if (largest != nullptr) {
    const double scale = *largest;
    // Zero, infinite and NaN are the norm themselves.
    norm = scale > 0 && scale - scale == 0 ? norm * scale : scale;
  }
  const double factor = bound / (norm + 1e-6);
  control->clip = factor >= 1 ? 1 : factor;  // NaN stays
}
