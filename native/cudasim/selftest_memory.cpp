// Device memory, host memory, copies and products.
#include <cmath>
#include <cstdint>
#include <cstdlib>

#include "selftest.h"

void test_memory() {
  Device device;
  float value = 0;
  cudasim_set_memory(64 << 20);
  cudasim_reset_counts();

  // Not to be used before it is allocated, which another stream must wait for.
  CUdeviceptr x = device.allocate(1000);
  CHECK(x % 256 == 0);
  CHECK_CODE(CUDA_SUCCESS, device.download(&value, x, 4));
  CHECK(value != value);
  const CUdeviceptr late = device.allocate(1000);
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.other, late, 1LL, 1.0f));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(device.other));
  cudasim_reset();

  // Not to be used after it is freed.
  CHECK(cudasim_count("live_allocations") == 2);
  CHECK_CODE(CUDA_SUCCESS, cuMemFreeAsync(late, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemFreeAsync(late, device.stream));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, device.launch("fill", 1, 256, 0, device.stream, late, 1LL, 1.0f));
  cudasim_reset();
  CHECK(cudasim_count("live_allocations") == 1);

  // Writing after the end.
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x, 250LL, 1.0f));
  CHECK_CODE(CUDA_SUCCESS, cuStreamSynchronize(device.stream));
  CHECK_CODE(CUDA_SUCCESS, device.launch("fill", 1, 256, 0, device.stream, x, 251LL, 1.0f));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(device.stream));
  cudasim_reset();
  CHECK_CODE(CUDA_SUCCESS, cuMemFreeAsync(x, device.stream));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(device.stream));
  cudasim_reset();

  // Out of memory changes nothing; what is freed counts as soon as it is needed.
  const CUdeviceptr half = device.allocate(40 << 20);
  CHECK(half != 0);
  CUdeviceptr more = 0;
  CHECK_CODE(CUDA_ERROR_OUT_OF_MEMORY, cuMemAllocFromPoolAsync(&more, 40 << 20, device.pool, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemFreeAsync(half, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemAllocFromPoolAsync(&more, 40 << 20, device.pool, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemFreeAsync(more, device.stream));
  cudasim_fail_allocation(2);
  x = device.allocate(4);
  CHECK(x != 0);
  CHECK(device.allocate(4) == 0);
  CHECK(device.allocate(4) != 0);
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemAllocFromPoolAsync(&more, 0, device.pool, device.stream));

  // A pool keeps what was freed up to its threshold, and the device has that much less.
  uint64_t all = UINT64_MAX;
  CHECK_CODE(CUDA_SUCCESS, cuMemPoolSetAttribute(device.pool, CU_MEMPOOL_ATTR_RELEASE_THRESHOLD, &all));
  cuMemFreeAsync(device.allocate(20 << 20), device.stream);
  cuStreamSynchronize(device.stream);
  uint64_t reserved = 0;
  uint64_t used = 0;
  size_t free = 0;
  size_t total = 0;
  cuMemPoolGetAttribute(device.pool, CU_MEMPOOL_ATTR_RESERVED_MEM_CURRENT, &reserved);
  cuMemPoolGetAttribute(device.pool, CU_MEMPOOL_ATTR_USED_MEM_CURRENT, &used);
  cuMemGetInfo_v2(&free, &total);
  CHECK(used == 1024 && reserved >= 20 << 20 && free == total - reserved && total == 64 << 20);
  CHECK_CODE(CUDA_SUCCESS, cuMemPoolTrimTo(device.pool, 0));
  cuMemGetInfo_v2(&free, &total);
  CHECK(free == total - (2 << 20));
  cudasim_set_memory(1 << 30);
}

void test_host_memory() {
  Device device;
  const CUdeviceptr x = device.allocate(4096);
  std::vector<float> pageable(64, 1.0f);
  float value = 0;
  void* locked = nullptr;
  CHECK_CODE(CUDA_SUCCESS, cuMemHostAlloc(&locked, 4096, CU_MEMHOSTALLOC_PORTABLE));
  float* pinned = static_cast<float*>(locked);
  cudasim_reset_counts();

  // Pageable memory is read at the call, pinned memory when the copy is executed.
  CHECK_CODE(CUDA_SUCCESS, cuMemcpyHtoDAsync_v2(x, pageable.data(), 256, device.stream));
  pageable[0] = 2;
  device.download(&value, x, 4);
  CHECK(value == 1);
  pinned[0] = 3;
  CHECK_CODE(CUDA_SUCCESS, cuMemcpyHtoDAsync_v2(x, pinned, 256, device.stream));
  pinned[0] = 4;
  device.download(&value, x, 4);
  CHECK(value == 4);
  CHECK(cudasim_count("pageable_bytes") == 256 + 8 && cudasim_count("pinned_bytes") == 256);
  CHECK(cudasim_count("synchronisations") == 2);
  pinned[1] = 0;
  CHECK_CODE(CUDA_SUCCESS, cuMemcpyDtoHAsync_v2(pinned + 1, x, 4, device.stream));
  CHECK(pinned[1] == 0);
  cuStreamSynchronize(device.stream);
  CHECK(pinned[1] == 4);

  // Sides and ranges.
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(x, reinterpret_cast<void*>(x), 4, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(CUdeviceptr(pinned), pinned, 4, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(x + 4000, pinned, 100, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpyHtoDAsync_v2(x, pinned + 1023, 8, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoDAsync_v2(x, x + 4, 8, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemcpyDtoDAsync_v2(x + 8, x, 8, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemsetD8Async(x, 0, 4096, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemsetD8Async(x, 0, 4097, device.stream));

  // Registering.
  float* registered = static_cast<float*>(aligned_alloc(4096, 8192));
  CHECK_CODE(CUDA_SUCCESS, cuMemHostRegister_v2(registered, 4096, CU_MEMHOSTREGISTER_PORTABLE));
  CHECK_CODE(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister_v2(registered + 8, 8000, 0));
  CHECK_CODE(CUDA_ERROR_HOST_MEMORY_ALREADY_REGISTERED, cuMemHostRegister_v2(registered, 4, 0));
  CHECK_CODE(CUDA_SUCCESS, cuMemHostRegister_v2(registered + 1024, 4096, CU_MEMHOSTREGISTER_READ_ONLY));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpyDtoHAsync_v2(registered + 1024, x, 4, device.stream));
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemHostRegister_v2(const_cast<char*>("text"), 4, 0));
  CHECK_CODE(CUDA_SUCCESS, cuMemHostUnregister(registered + 1024));
  CHECK_CODE(CUDA_ERROR_HOST_MEMORY_NOT_REGISTERED, cuMemHostUnregister(registered + 1024));
  cudasim_refuse_register(1);
  CHECK_CODE(CUDA_ERROR_NOT_SUPPORTED, cuMemHostRegister_v2(registered + 1024, 4096, 0));
  // Unlocked while a copy from it is queued.
  CHECK_CODE(CUDA_SUCCESS, cuMemcpyHtoDAsync_v2(x, registered, 256, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemHostUnregister(registered));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuStreamSynchronize(device.stream));
  cudasim_reset();
  ::free(registered);

  // Rows with gaps.
  for (int i = 0; i < 12; i++) {
    pinned[i] = float(i);
  }
  CUDA_MEMCPY2D rows = {};
  rows.srcMemoryType = CU_MEMORYTYPE_HOST;
  rows.srcHost = pinned;
  rows.srcPitch = 16;
  rows.srcXInBytes = 4;
  rows.dstMemoryType = CU_MEMORYTYPE_DEVICE;
  rows.dstDevice = x;
  rows.dstPitch = 8;
  rows.WidthInBytes = 8;
  rows.Height = 3;
  CHECK_CODE(CUDA_SUCCESS, cuMemcpy2DAsync_v2(&rows, device.stream));
  float packed[6];
  device.download(packed, x, sizeof(packed));
  CHECK(packed[0] == 1 && packed[1] == 2 && packed[2] == 5 && packed[3] == 6 && packed[5] == 10);
  rows.dstPitch = 4;
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpy2DAsync_v2(&rows, device.stream));
  rows.dstPitch = 8;
  rows.dstMemoryType = 4;
  CHECK_CODE(CUDA_ERROR_INVALID_VALUE, cuMemcpy2DAsync_v2(&rows, device.stream));
  CHECK_CODE(CUDA_SUCCESS, cuMemFreeHost(locked));
}

namespace {

constexpr int M = 3;
constexpr int N = 4;
constexpr int K = 5;
constexpr int LD = 6;

// Element (i, j) of op(A), of a matrix that is stored by columns.
template <typename T>
T element(const std::vector<T>& matrix, bool is_transposed, int i, int j) {
  return matrix[size_t(is_transposed ? i * LD + j : j * LD + i)];
}

template <typename T>
void test_product(Device& device, cublasHandle_t handle, bool transpose_a, bool transpose_b, T beta,
                  cublasStatus_t (*multiply)(cublasHandle_t, int, int, int, int, int, const T*, const T*, int, const T*,
                                             int, const T*, T*, int)) {
  std::vector<T> a(LD * LD);
  std::vector<T> b(LD * LD);
  std::vector<T> c(LD * LD);
  for (int i = 0; i < LD * LD; i++) {
    a[size_t(i)] = T(i % 7 - 3);
    b[size_t(i)] = T(i % 5 - 2);
    c[size_t(i)] = beta == 0 ? T(NAN) : T(i);
  }
  const size_t bytes = LD * LD * sizeof(T);
  const CUdeviceptr at[] = {device.allocate(bytes), device.allocate(bytes), device.allocate(bytes)};
  cuMemcpyHtoDAsync_v2(at[0], a.data(), bytes, device.stream);
  cuMemcpyHtoDAsync_v2(at[1], b.data(), bytes, device.stream);
  cuMemcpyHtoDAsync_v2(at[2], c.data(), bytes, device.stream);
  T alpha = 2;
  CHECK_CODE(CUBLAS_STATUS_SUCCESS,
             multiply(handle, transpose_a, transpose_b, M, N, K, &alpha, reinterpret_cast<const T*>(at[0]), LD,
                      reinterpret_cast<const T*>(at[1]), LD, &beta, reinterpret_cast<T*>(at[2]), LD));
  alpha = 0;  // read at the call
  std::vector<T> result(LD * LD);
  device.download(result.data(), at[2], bytes);
  bool is_right = true;
  for (int j = 0; j < N; j++) {
    for (int i = 0; i < M; i++) {
      T sum = 0;
      for (int l = 0; l < K; l++) {
        sum += element(a, transpose_a, i, l) * element(b, transpose_b, l, j);
      }
      const size_t place = size_t(j * LD + i);
      is_right = is_right && result[place] == (beta == 0 ? 2 * sum : 2 * sum + beta * c[place]);
    }
  }
  CHECK(is_right);
}

}  // namespace

void test_products() {
  Device device;
  cublasHandle_t handle = nullptr;
  CHECK_CODE(CUBLAS_STATUS_SUCCESS, cublasCreate_v2(&handle));
  const float one = 1;
  const float zero = 0;
  const CUdeviceptr x = device.allocate(1024);
  float* p = reinterpret_cast<float*>(x);
  CHECK_CODE(CUBLAS_STATUS_INVALID_VALUE, cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, p, 1, p, 1, &zero, p + 4, 1));
  CHECK_CODE(CUBLAS_STATUS_INVALID_VALUE, cublasSetStream_v2(handle, nullptr));
  CHECK_CODE(CUBLAS_STATUS_SUCCESS, cublasSetStream_v2(handle, device.stream));
  for (int i = 0; i < 8; i++) {
    test_product<float>(device, handle, (i & 1) != 0, (i & 2) != 0, float(i / 4), cublasSgemm_v2);
    test_product<double>(device, handle, (i & 1) != 0, (i & 2) != 0, double(i / 4), cublasDgemm_v2);
  }
  CHECK_CODE(CUBLAS_STATUS_INVALID_VALUE, cublasSgemm_v2(handle, 0, 0, 4, 1, 1, &one, p, 3, p, 1, &zero, p + 4, 4));
  CHECK_CODE(CUBLAS_STATUS_SUCCESS, cublasSgemm_v2(handle, 0, 0, 0, 1, 1, &one, nullptr, 3, p, 1, &zero, p + 4, 4));

  // A number that F32 has and TF32 and bfloat16 have not.
  float in[2] = {1 + 1 / 4096.0f, 1};
  cuMemcpyHtoDAsync_v2(x, in, 8, device.stream);
  float product = 0;
  cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, p, 1, p + 1, 1, &zero, p + 4, 1);
  device.download(&product, x + 16, 4);
  CHECK(product == in[0]);
  CHECK_CODE(CUBLAS_STATUS_SUCCESS, cublasSetMathMode(handle, CUBLAS_TF32_TENSOR_OP_MATH));
  cublasSgemm_v2(handle, 0, 0, 1, 1, 1, &one, p, 1, p + 1, 1, &zero, p + 4, 1);
  device.download(&product, x + 16, 4);
  CHECK(product == 1);
  CHECK_CODE(CUBLAS_STATUS_INVALID_VALUE, cublasSetMathMode(handle, 1));
  const uint16_t bf16[2] = {0x4040, 0x3f80};  // 3, 1
  cuMemcpyHtoDAsync_v2(x, bf16, 4, device.stream);
  CHECK_CODE(CUBLAS_STATUS_SUCCESS,
             cublasGemmEx(handle, 0, 0, 1, 1, 1, &one, p, CUDA_R_16BF, 1, reinterpret_cast<uint16_t*>(p) + 1,
                          CUDA_R_16BF, 1, &zero, p + 4, CUDA_R_32F, 1, CUBLAS_COMPUTE_32F, CUBLAS_GEMM_DEFAULT));
  device.download(&product, x + 16, 4);
  CHECK(product == 3);

  // y = A x and A^T x with gaps: A = [1 3; 2 4].
  const float matrix[6] = {1, 2, 3, 4, 1, 10};
  float y[4];
  for (int op = 0; op < 2; op++) {
    cuMemcpyHtoDAsync_v2(x, matrix, sizeof(matrix), device.stream);
    CHECK_CODE(CUBLAS_STATUS_SUCCESS, cublasSgemv_v2(handle, op, 2, 2, &one, p, 2, p + 4, 1, &zero, p + 8, 3));
    device.download(y, x + 32, sizeof(y));
    CHECK(op == 0 ? y[0] == 31 && y[3] == 42 : y[0] == 21 && y[3] == 43);
  }

  CHECK_CODE(CUBLAS_STATUS_EXECUTION_FAILED,
             cublasSgemm_v2(handle, 0, 0, 64, 64, 64, &one, p, 64, p, 64, &zero, p, 64));
  CHECK_CODE(CUDA_ERROR_ILLEGAL_ADDRESS, cuCtxSetCurrent(device.context));
  CHECK_CODE(CUBLAS_STATUS_SUCCESS, cublasDestroy_v2(handle));
}
