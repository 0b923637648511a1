// Adds the partial sums of all row blocks and turns them into gradient and loss:
//
//   gw_jf = 2/n sum r_ij x_if;  gb_j = 2/n sum r_ij;  loss_j = 1/n sum r_ij^2
//
// A block of 32 x 8 threads has 32 columns of partial, in the order features, residuals, squares, of
// one output; blocks of one output follow each other. Thread row s adds row blocks s, s + 8, ...; the eight sums are added in order.
#include "panagrad.cuh"

template <typename T>
__device__ void gradient_combine(const double* partial, long long row_blocks, long long features, int outputs,
                                 long long count, T* gw, T* gb, double* loss) {
  constexpr int SLICES = 8;
  __shared__ double sums[SLICES][WARP];
  const long long columns = features + 2;
  const long long blocks = (columns + WARP - 1) / WARP;
  const long long column = blockIdx.x % blocks * WARP + threadIdx.x;
  const long long output = blockIdx.x / blocks;
  double sum = 0;
  if (column < columns) {
    for (long long block = threadIdx.y; block < row_blocks; block += SLICES) {
      sum += partial[(block * outputs + output) * columns + column];
    }
  }
  sums[threadIdx.y][threadIdx.x] = sum;
  __syncthreads();
  if (threadIdx.y != 0 || column >= columns) {
    return;
  }
  for (int slice = 1; slice < SLICES; slice++) {
    sum += sums[slice][threadIdx.x];
  }
  if (column < features) {
    gw[output * features + column] = T(2 * sum / count);
  } else if (column == features) {
    if (gb != nullptr) {
      gb[output] = T(2 * sum / count);
    }
  } else if (loss != nullptr) {
    loss[output] = sum / count;
  }
}

extern "C" __global__ void gradient_combine_f32(const double* partial, long long row_blocks, long long features,
                                                int outputs, long long count, float* gw, float* gb, double* loss) {
  gradient_combine<float>(partial, row_blocks, features, outputs, count, gw, gb, loss);
}

extern "C" __global__ void gradient_combine_f64(const double* partial, long long row_blocks, long long features,
                                                int outputs, long long count, double* gw, double* gb, double* loss) {
  gradient_combine<double>(partial, row_blocks, features, outputs, count, gw, gb, loss);
}
