// The kernels of native/cuda, compiled for the host, by name. What a kernel takes is read off its type.
#include "cuda_on_host.h"

#include "../cuda/accumulate_products.cu"
#include "../cuda/adam_step.cu"
#include "../cuda/add_intercepts.cu"
#include "../cuda/amsgrad_step.cu"
#include "../cuda/axpy.cu"
#include "../cuda/cast.cu"
#include "../cuda/centred_heavy_rmsprop_step.cu"
#include "../cuda/centred_rmsprop_step.cu"
#include "../cuda/clip_norm.cu"
#include "../cuda/column_sums.cu"
#include "../cuda/columns_combine.cu"
#include "../cuda/descent_step.cu"
#include "../cuda/dot.cu"
#include "../cuda/finite_check.cu"
#include "../cuda/gather_rows.cu"
#include "../cuda/gradient_combine.cu"
#include "../cuda/heavy_rmsprop_step.cu"
#include "../cuda/largest.cu"
#include "../cuda/momentum_step.cu"
#include "../cuda/nesterov_step.cu"
#include "../cuda/norm1.cu"
#include "../cuda/norm2.cu"
#include "../cuda/residuals.cu"
#include "../cuda/rmsprop_step.cu"
#include "../cuda/row_gradient.cu"
#include "../cuda/row_products.cu"
#include "../cuda/step_control.cu"
#include "../cuda/sum_partials.cu"

#include "typed_kernel.h"

namespace cudasim {

namespace {

// A kernel of a source, and the two of a source that has one for each element type.
#define KERNEL(source, name) typed_kernel<name>(#source ".cu", #name),
#define KERNELS(source) KERNEL(source, source##_f32) KERNEL(source, source##_f64)

constexpr Kernel ALL[] = {
    KERNELS(accumulate_products)
    KERNELS(adam_step)
    KERNELS(add_intercepts)
    KERNELS(amsgrad_step)
    KERNELS(axpy)
    KERNEL(cast, cast_bf16_f32)
    KERNEL(cast, cast_f32_bf16)
    KERNELS(centred_heavy_rmsprop_step)
    KERNELS(centred_rmsprop_step)
    KERNEL(clip_norm, clip_norm)
    KERNELS(column_sums)
    KERNELS(columns_combine)
    KERNELS(descent_step)
    KERNELS(dot)
    KERNELS(finite_check)
    KERNELS(gather_rows)
    KERNELS(gradient_combine)
    KERNELS(heavy_rmsprop_step)
    KERNELS(largest)
    KERNEL(sum_partials, largest_of_partials)
    KERNELS(momentum_step)
    KERNELS(nesterov_step)
    KERNELS(norm1)
    KERNELS(norm2)
    KERNEL(step_control, reset_clip)
    KERNELS(residuals)
    KERNELS(rmsprop_step)
    KERNEL(row_gradient, row_gradient_f32_k1_c1)
    KERNEL(row_gradient, row_gradient_f32_k1_c4)
    KERNEL(row_gradient, row_gradient_f32_k1_c16)
    KERNEL(row_gradient, row_gradient_f32_k4_c1)
    KERNEL(row_gradient, row_gradient_f32_k4_c4)
    KERNEL(row_gradient, row_gradient_f32_k8_c1)
    KERNEL(row_gradient, row_gradient_f32_k8_c4)
    KERNEL(row_gradient, row_gradient_f64_k1_c1)
    KERNEL(row_gradient, row_gradient_f64_k1_c4)
    KERNEL(row_gradient, row_gradient_f64_k1_c16)
    KERNEL(row_gradient, row_gradient_f64_k4_c1)
    KERNEL(row_gradient, row_gradient_f64_k4_c4)
    KERNEL(row_gradient, row_gradient_f64_k8_c1)
    KERNEL(row_gradient, row_gradient_f64_k8_c4)
    KERNELS(row_products)
    KERNEL(sum_partials, sum_partials)
    KERNEL(step_control, write_step_control)
};

}  // namespace

const Kernel* find_kernel(const char* name) {
  for (const Kernel& kernel : ALL) {
    if (strcmp(kernel.name, name) == 0) {
      return &kernel;
    }
  }
  return nullptr;
}

}  // namespace cudasim
