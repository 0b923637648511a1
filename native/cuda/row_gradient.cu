// The gradient of least squares for one or a few outputs, X read from memory once.
//
//   r_ij = x_i . w_j + b_j - y_ij
//   partial of this block's rows:  sum r_ij x_if  for each feature f,  sum r_ij,  sum r_ij^2
//
// A block of threads owns rows_per_block rows and K outputs. It brings tile_rows rows at a time into
// shared memory and uses them twice, first for the residuals, then for the sums:
//
//   dynamic shared   | tile: tile_rows x features | to 16 bytes | residuals: tile_rows x K |
//
//   1. All threads load the tile, and b - y, with which residuals begin.
//   2. Each warp takes several rows and a slice of the columns, so that a weight is loaded once for
//      all of them; the lanes' sums meet in shuffles. Slices are needed where a tile has fewer rows
//      than the block has warps.
//   3. A thread per row and output adds the slices, and sums residuals and squares.
//   4. A thread sums r x over the tile's rows for its own columns: f, f + 256, ... With fewer than
//      256 columns several threads share one, each every so many rows.
//
// Sums are in the element type over at most 256 rows, then in double.
#include "reduce.cuh"

// Rows that a warp takes at a time, so that rows times outputs is a power of two up to 32.
template <int K>
constexpr int WARP_ROWS = K == 1 ? 8 : 4;

// Sums each of COUNT values, a power of two up to 32, over the lanes of a warp: in each round a lane
// gives away half of its values and adds the half that it gets. Lane l returns value lane_value(l).
// By recursion, so that every index is a constant and the values stay in registers.
template <int COUNT, int DISTANCE, typename T>
__device__ T sum_lanes(T* value) {
  if constexpr (COUNT > 1) {
    constexpr int KEPT = COUNT / 2;
    const bool upper = (threadIdx.x & DISTANCE) != 0;
#pragma unroll
    for (int i = 0; i < KEPT; i++) {
      const T given = upper ? value[i] : value[i + KEPT];
      const T own = upper ? value[i + KEPT] : value[i];
      value[i] = own + __shfl_xor_sync(ALL_LANES, given, DISTANCE);
    }
    return sum_lanes<KEPT, DISTANCE * 2>(value);
  } else {
    T sum = value[0];
#pragma unroll
    for (int distance = DISTANCE; distance < WARP; distance *= 2) {
      sum += __shfl_xor_sync(ALL_LANES, sum, distance);
    }
    return sum;
  }
}

// The value that a lane has after sum_lanes: its low bits in reverse.
template <int COUNT>
__device__ int lane_value(int lane) {
  int value = 0;
  for (int half = COUNT / 2; half >= 1; half /= 2, lane /= 2) {
    value += lane % 2 * half;
  }
  return value;
}

template <typename T>
__device__ void load_tile(const T* x, long long x_stride, const long long* index, long long start, int rows, int d,
                          T* tile) {
  constexpr int GROUP = Group<T>::COUNT;
  if (index == nullptr && x_stride == d) {
    const T* from = x + start * x_stride;
    const int count = rows * d;
    const int groups = is_group_aligned(from) ? count / GROUP : 0;
    for (int i = threadIdx.x; i < groups; i += THREADS) {
      reinterpret_cast<Group<T>*>(tile)[i] = load_group(from + i * GROUP, true);
    }
    for (int i = groups * GROUP + threadIdx.x; i < count; i += THREADS) {
      tile[i] = from[i];
    }
    return;
  }
  const int lane = threadIdx.x % WARP;
  for (int row = threadIdx.x / WARP; row < rows; row += THREADS / WARP) {
    const T* from = x + row_at(index, 0, start + row) * x_stride;
    T* to = tile + row * d;
    const int groups = d % GROUP == 0 && is_group_aligned(from) ? d / GROUP : 0;
    for (int i = lane; i < groups; i += WARP) {
      reinterpret_cast<Group<T>*>(to)[i] = load_group(from + i * GROUP, true);
    }
    for (int i = groups * GROUP + lane; i < d; i += WARP) {
      to[i] = from[i];
    }
  }
}

// Step 2: products of the tile's rows with the weights of outputs [output, output + K), those that
// exist, over the columns of this warp's slice. Without slices they are added to what residuals begin
// with.
template <typename T, int K>
__device__ void tile_products(const T* tile, int rows, int d, const T* w, int outputs, int output, int slices,
                              T* products) {
  constexpr int ROWS = WARP_ROWS<K>;
  const int lane = threadIdx.x % WARP;
  const int items = (rows + ROWS - 1) / ROWS * slices;
  for (int item = threadIdx.x / WARP; item < items; item += THREADS / WARP) {
    const int slice = item % slices;
    const int first = item / slices * ROWS;
    T sums[ROWS * K];
    for (int v = 0; v < ROWS * K; v++) {
      sums[v] = 0;
    }
#pragma unroll(K == 1 ? 2 : 1)
    for (int f = slice * WARP + lane; f < d; f += slices * WARP) {
      T weights[K];
      for (int j = 0; j < K; j++) {
        weights[j] = output + j < outputs ? w[(long long)(output + j) * d + f] : T(0);
      }
#pragma unroll
      for (int i = 0; i < ROWS; i++) {
        if (first + i < rows) {
          const T xf = tile[(first + i) * d + f];
          for (int j = 0; j < K; j++) {
            sums[i * K + j] = fma(xf, weights[j], sums[i * K + j]);
          }
        }
      }
    }
    const T sum = sum_lanes<ROWS * K, 1>(sums);
    const int value = lane_value<ROWS * K>(lane);
    if (lane < ROWS * K && first + value / K < rows) {
      T* const to = products + slice * rows * K + first * K + value;
      *to = slices == 1 ? sum + *to : sum;
    }
  }
}

template <typename T, int K, int COLUMNS>
__device__ void row_gradient(const T* x, long long x_stride, const T* y, long long y_stride, const long long* index,
                             long long first, long long count, long long features, int outputs, const T* w, const T* b,
                             double* partial, long long rows_per_block, int tile_rows) {
  constexpr int WARPS = THREADS / WARP;
  constexpr int ROWS = WARP_ROWS<K>;
  DYNAMIC_SHARED(T, tile);
  // Products by slices in step 2, at most WARPS times those of one warp; columns' sums at a flush.
  __shared__ T scratch[THREADS];
  const int d = int(features);
  const int thread = threadIdx.x;
  const long long tile_bytes = ((long long)tile_rows * d * (int)sizeof(T) + 15) / 16 * 16;
  T* residuals = tile + tile_bytes / (int)sizeof(T);

  const int groups = (outputs + K - 1) / K;
  const int output = int(blockIdx.x) % groups * K;
  const long long block = blockIdx.x / groups;
  const long long begin = block * rows_per_block;
  const long long end = smaller(begin + rows_per_block, count);
  partial += (block * outputs + output) * (features + 2);

  // Step 4: with one column per thread, sharers threads have the same one.
  const int sharers = COLUMNS == 1 && d > 0 ? THREADS / d : 1;
  const int own_column = COLUMNS == 1 && d > 0 ? thread % d : thread;
  const int own_share = COLUMNS == 1 && d > 0 ? thread / d : 0;

  T sums[COLUMNS][K];
  for (int c = 0; c < COLUMNS; c++) {
    for (int j = 0; j < K; j++) {
      sums[c][j] = 0;
    }
  }
  T residual_sum = 0;
  double residual_total = 0;
  double square_total = 0;  // squares of float may be beyond its range
  int summed_rows = 0;
  bool first_flush = true;

  for (long long start = begin; start < end; start += tile_rows) {
    const int rows = int(smaller(tile_rows, end - start));
    load_tile(x, x_stride, index, first + start, rows, d, tile);
    for (int v = thread; v < rows * K; v += THREADS) {
      const int j = output + v % K;
      T begin_with = 0;
      if (j < outputs) {
        const T target = y[row_at(index, first, start + v / K) * y_stride + j];
        begin_with = b == nullptr ? -target : b[j] - target;
      }
      residuals[v] = begin_with;
    }
    __syncthreads();

    const int row_groups = (rows + ROWS - 1) / ROWS;
    const int slices = row_groups >= WARPS ? 1 : WARPS / row_groups;
    T* products = slices == 1 ? residuals : scratch;
    tile_products<T, K>(tile, rows, d, w, outputs, output, slices, products);
    __syncthreads();

    // Step 3. A thread has the same output each time, since K divides the number of threads.
    for (int v = thread; v < rows * K; v += THREADS) {
      T r = residuals[v];
      for (int slice = 0; slices > 1 && slice < slices; slice++) {
        r += products[slice * rows * K + v];
      }
      residual_sum += r;
      square_total = fma(double(r), double(r), square_total);
      residuals[v] = r;
    }
    __syncthreads();

    if (own_share < sharers) {
#pragma unroll(K * COLUMNS == 1 ? 4 : 1)
      for (int i = own_share; i < rows; i += sharers) {
        T r[K];
        for (int j = 0; j < K; j++) {
          r[j] = residuals[i * K + j];
        }
#pragma unroll
        for (int c = 0; c < COLUMNS; c++) {
          const int f = own_column + c * THREADS;
          const T xf = f < d ? tile[i * d + f] : T(0);
          for (int j = 0; j < K; j++) {
            sums[c][j] = fma(r[j], xf, sums[c][j]);
          }
        }
      }
    }
    summed_rows += rows;

    const bool last = start + tile_rows >= end;
    if (last || summed_rows + tile_rows > ROWS_IN_ELEMENT_TYPE) {
#pragma unroll
      for (int j = 0; j < K; j++) {
        const bool exists = output + j < outputs;
        double* const to = partial + j * (features + 2);
        if (COLUMNS == 1) {
          __syncthreads();
          scratch[thread] = sums[0][j];
          sums[0][j] = 0;
          __syncthreads();
          if (exists && thread < d) {
            double sum = scratch[thread];
            for (int share = 1; share < sharers; share++) {
              sum += scratch[share * d + thread];
            }
            to[thread] = first_flush ? sum : to[thread] + sum;
          }
        } else {
#pragma unroll
          for (int c = 0; c < COLUMNS; c++) {
            const int f = own_column + c * THREADS;
            if (exists && f < d) {
              to[f] = first_flush ? double(sums[c][j]) : to[f] + double(sums[c][j]);
            }
            sums[c][j] = 0;
          }
        }
      }
      residual_total += residual_sum;
      residual_sum = 0;
      summed_rows = 0;
      first_flush = false;
    }
    __syncthreads();  // before the next tile overwrites this one
  }

  residual_total = reduce_block(residual_total, K, Sum());
  square_total = reduce_block(square_total, K, Sum());
  if (thread < K && output + thread < outputs) {
    double* const to = partial + thread * (features + 2) + features;
    to[0] = residual_total;
    to[1] = square_total;
  }
}

// Blocks on a multiprocessor that ptxas is to leave registers for, where it can without spilling.
#define ROW_GRADIENT(type, suffix, k, c, blocks)                                                                     \
  extern "C" __global__ void __launch_bounds__(THREADS, blocks) row_gradient_##suffix##_k##k##_c##c(                 \
      const type* x, long long x_stride, const type* y, long long y_stride, const long long* index, long long first, \
      long long count, long long features, int outputs, const type* w, const type* b, double* partial,               \
      long long rows_per_block, int tile_rows) {                                                                     \
    row_gradient<type, k, c>(x, x_stride, y, y_stride, index, first, count, features, outputs, w, b, partial,        \
                             rows_per_block, tile_rows);                                                             \
  }

// Outputs of a block and columns of a thread; features is at most 256 times the columns.
ROW_GRADIENT(float, f32, 1, 1, 3)
ROW_GRADIENT(float, f32, 1, 4, 3)
ROW_GRADIENT(float, f32, 1, 16, 3)
ROW_GRADIENT(float, f32, 4, 1, 2)
ROW_GRADIENT(float, f32, 4, 4, 2)
ROW_GRADIENT(float, f32, 8, 1, 2)
ROW_GRADIENT(float, f32, 8, 4, 2)
ROW_GRADIENT(double, f64, 1, 1, 2)
ROW_GRADIENT(double, f64, 1, 4, 2)
ROW_GRADIENT(double, f64, 1, 16, 1)
ROW_GRADIENT(double, f64, 4, 1, 1)
ROW_GRADIENT(double, f64, 4, 4, 1)
ROW_GRADIENT(double, f64, 8, 1, 1)
ROW_GRADIENT(double, f64, 8, 4, 1)
