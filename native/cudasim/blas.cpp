// The part of cuBLAS that is called: C = alpha op(A) op(B) + beta C by columns, and y = alpha op(A) x
// + beta y. Sums are in the element type, over the inner index in order.
#include <algorithm>
#include <cstring>

#include "device.h"

namespace cudasim {

namespace {

struct Handle {
  std::shared_ptr<Stream> stream;
  int math = CUBLAS_DEFAULT_MATH;
};

Handles<Handle> handles;

// Types of elements in memory, and what each is loaded as.
struct Single {
  typedef float Element;
  static float load(float x) { return x; }
};

struct Double {
  typedef double Element;
  static double load(double x) { return x; }
};

struct Bfloat16 {
  typedef uint16_t Element;
  static float load(uint16_t x) {
    const uint32_t bits = uint32_t(x) << 16;
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
  }
};

// 10 bits of mantissa; infinite and NaN as they are.
struct Tf32 {
  typedef float Element;
  static float load(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof(bits));
    if ((bits & 0x7f800000u) == 0x7f800000u) {
      return x;
    }
    bits = (bits + 0xfffu + (bits >> 13 & 1u)) & ~0x1fffu;
    memcpy(&x, &bits, sizeof(x));
    return x;
  }
};

// op(A) is rows x cols; A has cols columns of rows elements, ld apart, or the other way round.
struct Matrix {
  uintptr_t address;
  bool is_transposed;
  int rows;
  int cols;
  int ld;

  int stored_rows() const { return is_transposed ? cols : rows; }
  int stored_cols() const { return is_transposed ? rows : cols; }

  size_t bytes(size_t element) const {
    return stored_rows() == 0 || stored_cols() == 0
               ? 0
               : (size_t(stored_cols() - 1) * size_t(ld) + size_t(stored_rows())) * element;
  }

  bool has_valid_ld() const { return ld >= (stored_rows() > 1 ? stored_rows() : 1); }

  // op(A) by columns without gaps.
  template <typename Type, typename T>
  std::vector<T> load() const {
    const auto* from = reinterpret_cast<const typename Type::Element*>(address);
    std::vector<T> to(size_t(rows) * size_t(cols));
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < cols; j++) {
        const size_t at = is_transposed ? size_t(i) * size_t(ld) + size_t(j) : size_t(j) * size_t(ld) + size_t(i);
        to[size_t(j) * size_t(rows) + size_t(i)] = Type::load(from[at]);
      }
    }
    return to;
  }
};

// Where alpha is 0 nothing of A and B is read, where beta is 0 nothing of C.
template <typename Type, typename T>
void multiply(const Matrix& a, const Matrix& b, const Matrix& c, T alpha, T beta) {
  const bool has_product = alpha != 0 && a.cols > 0;
  std::vector<T> left;
  std::vector<T> right;
  if (has_product) {
    left = a.load<Type, T>();
    right = b.load<Type, T>();
  }
  std::vector<T> sums(size_t(c.rows));
  T* to = reinterpret_cast<T*>(c.address);
  for (int j = 0; j < c.cols; j++) {
    std::fill(sums.begin(), sums.end(), T(0));
    for (int l = 0; has_product && l < a.cols; l++) {
      const T factor = right[size_t(j) * size_t(b.rows) + size_t(l)];
      const T* column = left.data() + size_t(l) * size_t(a.rows);
      for (int i = 0; i < c.rows; i++) {
        sums[size_t(i)] += column[i] * factor;
      }
    }
    for (int i = 0; i < c.rows; i++) {
      T& element = to[size_t(j) * size_t(c.ld) + size_t(i)];
      const T product = has_product ? alpha * sums[size_t(i)] : T(0);
      element = beta == 0 ? product : product + beta * element;
    }
  }
}

// As a Call gives it, in cuBLAS's codes.
cublasStatus_t status_of(CUresult code) {
  return code == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

bool is_readable(const Matrix& m, size_t element, When when) {
  const size_t bytes = m.bytes(element);
  return bytes == 0 || is_allocated(m.address, bytes, when);
}

CUresult illegal(const Matrix& m, char name, When when) {
  return fail_context(CUDA_ERROR_ILLEGAL_ADDRESS,
                      "matrix %c of a product at %p, %d x %d with %d between columns, is not allocated when it is %s",
                      name, reinterpret_cast<void*>(m.address), m.stored_rows(), m.stored_cols(), m.ld,
                      when == When::QUEUED ? "queued" : "executed");
}

template <typename Type, typename T>
CUresult check(const Matrix& a, const Matrix& b, const Matrix& c, T alpha, When when) {
  constexpr size_t ELEMENT = sizeof(typename Type::Element);
  if (alpha != 0 && !is_readable(a, ELEMENT, when)) {
    return illegal(a, 'A', when);
  }
  if (alpha != 0 && !is_readable(b, ELEMENT, when)) {
    return illegal(b, 'B', when);
  }
  return is_readable(c, sizeof(T), when) ? CUresult(CUDA_SUCCESS) : illegal(c, 'C', when);
}

template <typename Type, typename T>
cublasStatus_t queue_product(const Handle& handle, const Matrix& a, const Matrix& b, const Matrix& c, T alpha, T beta) {
  const CUresult code = check<Type>(a, b, c, alpha, When::QUEUED);
  if (code != CUDA_SUCCESS) {
    return status_of(code);
  }
  return status_of(enqueue(*handle.stream, [a, b, c, alpha, beta] {
    const CUresult failure = check<Type>(a, b, c, alpha, When::EXECUTED);
    if (failure == CUDA_SUCCESS) {
      multiply<Type>(a, b, c, alpha, beta);
    }
    return failure;
  }));
}

bool is_operation(int operation) {
  return operation == CUBLAS_OP_N || operation == CUBLAS_OP_T;
}

// What all products check; the handle is null if the call is done, with that status.
std::shared_ptr<Handle> begin(const Call& call, cublasHandle_t handle, int op_a, int op_b, int m, int n, int k,
                              const void* alpha, const void* beta, cublasStatus_t& status) {
  auto found = handles.find(handle);
  status = CUBLAS_STATUS_SUCCESS;
  if (call.code != CUDA_SUCCESS) {
    status = call.code;
  } else if (found == nullptr) {
    status = CUBLAS_STATUS_NOT_INITIALIZED;
  } else if (context_error != CUDA_SUCCESS) {
    status = CUBLAS_STATUS_EXECUTION_FAILED;
  } else if (!is_operation(op_a) || !is_operation(op_b) || m < 0 || n < 0 || k < 0 || alpha == nullptr ||
             beta == nullptr || found->stream == nullptr) {
    status = CUBLAS_STATUS_INVALID_VALUE;
  } else {
    return found;
  }
  return nullptr;
}

template <typename T>
T scalar(const void* address) {
  T value;
  memcpy(&value, address, sizeof(value));
  return value;
}

bool are_valid(const Matrix& a, const Matrix& b, const Matrix& c) {
  return a.has_valid_ld() && b.has_valid_ld() && c.has_valid_ld();
}

}  // namespace

void abandon_blas() {
  handles.abandon();
}

}  // namespace cudasim

using namespace cudasim;

// A fault's code is returned as it is; calls check the rest themselves, because their codes differ from
// the driver's.
#define CUBLAS_CALL(name)                                              \
  static cudasim::Function& function = cudasim::function_named(#name); \
  cudasim::Call call(function, cudasim::Needs::NOTHING)

CUDASIM_EXPORT cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  CUBLAS_CALL(cublasCreate_v2);
  if (call.code != CUDA_SUCCESS) {
    return call.code;
  }
  if (handle == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (!is_initialized() || !has_current_context() || context_error != CUDA_SUCCESS) {
    return CUBLAS_STATUS_NOT_INITIALIZED;
  }
  *handle = handles.add(std::make_shared<Handle>());
  return CUBLAS_STATUS_SUCCESS;
}

CUDASIM_EXPORT cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  CUBLAS_CALL(cublasDestroy_v2);
  if (call.code != CUDA_SUCCESS) {
    return call.code;
  }
  return handles.remove(handle) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_INITIALIZED;
}

CUDASIM_EXPORT cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version) {
  CUBLAS_CALL(cublasGetVersion_v2);
  if (call.code != CUDA_SUCCESS) {
    return call.code;
  }
  if (handles.find(handle) == nullptr) {
    return CUBLAS_STATUS_NOT_INITIALIZED;
  }
  if (version == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  *version = 130100;
  return CUBLAS_STATUS_SUCCESS;
}

CUDASIM_EXPORT cublasStatus_t cublasGetProperty(int property, int* value) {
  CUBLAS_CALL(cublasGetProperty);
  if (call.code != CUDA_SUCCESS) {
    return call.code;
  }
  if (value == nullptr || property < MAJOR_VERSION || property > PATCH_LEVEL) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const int version[] = {13, 1, 0};
  *value = version[property];
  return CUBLAS_STATUS_SUCCESS;
}

CUDASIM_EXPORT cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, CUstream stream) {
  CUBLAS_CALL(cublasSetStream_v2);
  auto found = handles.find(handle);
  if (call.code != CUDA_SUCCESS || found == nullptr) {
    return call.code != CUDA_SUCCESS ? call.code : CUBLAS_STATUS_NOT_INITIALIZED;
  }
  auto on = stream_of(stream);
  if (on == nullptr) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  found->stream = on;
  return CUBLAS_STATUS_SUCCESS;
}

CUDASIM_EXPORT cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  CUBLAS_CALL(cublasSetWorkspace_v2);
  auto found = handles.find(handle);
  if (call.code != CUDA_SUCCESS || found == nullptr) {
    return call.code != CUDA_SUCCESS ? call.code : CUBLAS_STATUS_NOT_INITIALIZED;
  }
  const uintptr_t address = reinterpret_cast<uintptr_t>(workspace);
  const bool is_valid = address % 256 == 0 && (bytes == 0 || is_allocated(address, bytes, When::QUEUED));
  return is_valid ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_INVALID_VALUE;
}

CUDASIM_EXPORT cublasStatus_t cublasSetMathMode(cublasHandle_t handle, int mode) {
  CUBLAS_CALL(cublasSetMathMode);
  auto found = handles.find(handle);
  if (call.code != CUDA_SUCCESS || found == nullptr) {
    return call.code != CUDA_SUCCESS ? call.code : CUBLAS_STATUS_NOT_INITIALIZED;
  }
  if (mode != CUBLAS_DEFAULT_MATH && mode != CUBLAS_PEDANTIC_MATH && mode != CUBLAS_TF32_TENSOR_OP_MATH) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  found->math = mode;
  return CUBLAS_STATUS_SUCCESS;
}

CUDASIM_EXPORT cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, int op_a, int op_b, int m, int n, int k,
                                             const float* alpha, const float* a, int lda, const float* b, int ldb,
                                             const float* beta, float* c, int ldc) {
  CUBLAS_CALL(cublasSgemm_v2);
  cublasStatus_t status;
  auto found = begin(call, handle, op_a, op_b, m, n, k, alpha, beta, status);
  if (found == nullptr) {
    return status;
  }
  const Matrix left = {reinterpret_cast<uintptr_t>(a), op_a == CUBLAS_OP_T, m, k, lda};
  const Matrix right = {reinterpret_cast<uintptr_t>(b), op_b == CUBLAS_OP_T, k, n, ldb};
  const Matrix result = {reinterpret_cast<uintptr_t>(c), false, m, n, ldc};
  if (!are_valid(left, right, result)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return found->math == CUBLAS_TF32_TENSOR_OP_MATH ? queue_product<Tf32>(*found, left, right, result, *alpha, *beta)
                                                   : queue_product<Single>(*found, left, right, result, *alpha, *beta);
}

CUDASIM_EXPORT cublasStatus_t cublasDgemm_v2(cublasHandle_t handle, int op_a, int op_b, int m, int n, int k,
                                             const double* alpha, const double* a, int lda, const double* b, int ldb,
                                             const double* beta, double* c, int ldc) {
  CUBLAS_CALL(cublasDgemm_v2);
  cublasStatus_t status;
  auto found = begin(call, handle, op_a, op_b, m, n, k, alpha, beta, status);
  if (found == nullptr) {
    return status;
  }
  const Matrix left = {reinterpret_cast<uintptr_t>(a), op_a == CUBLAS_OP_T, m, k, lda};
  const Matrix right = {reinterpret_cast<uintptr_t>(b), op_b == CUBLAS_OP_T, k, n, ldb};
  const Matrix result = {reinterpret_cast<uintptr_t>(c), false, m, n, ldc};
  if (!are_valid(left, right, result)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return queue_product<Double>(*found, left, right, result, *alpha, *beta);
}

// F32 or bfloat16 inputs, an F32 result, sums in F32.
CUDASIM_EXPORT cublasStatus_t cublasGemmEx(cublasHandle_t handle, int op_a, int op_b, int m, int n, int k,
                                           const void* alpha, const void* a, int a_type, int lda, const void* b,
                                           int b_type, int ldb, const void* beta, void* c, int c_type, int ldc,
                                           int compute, int algorithm) {
  CUBLAS_CALL(cublasGemmEx);
  cublasStatus_t status;
  auto found = begin(call, handle, op_a, op_b, m, n, k, alpha, beta, status);
  if (found == nullptr) {
    return status;
  }
  const Matrix left = {reinterpret_cast<uintptr_t>(a), op_a == CUBLAS_OP_T, m, k, lda};
  const Matrix right = {reinterpret_cast<uintptr_t>(b), op_b == CUBLAS_OP_T, k, n, ldb};
  const Matrix result = {reinterpret_cast<uintptr_t>(c), false, m, n, ldc};
  if (!are_valid(left, right, result)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  if (a_type != b_type || (a_type != CUDA_R_32F && a_type != CUDA_R_16BF) || c_type != CUDA_R_32F ||
      compute != CUBLAS_COMPUTE_32F || algorithm != CUBLAS_GEMM_DEFAULT) {
    return CUBLAS_STATUS_NOT_SUPPORTED;
  }
  const float factor = scalar<float>(alpha);
  const float kept = scalar<float>(beta);
  if (a_type == CUDA_R_16BF) {
    return queue_product<Bfloat16>(*found, left, right, result, factor, kept);
  }
  return found->math == CUBLAS_TF32_TENSOR_OP_MATH ? queue_product<Tf32>(*found, left, right, result, factor, kept)
                                                   : queue_product<Single>(*found, left, right, result, factor, kept);
}

// Increments of at least 1. x and y are matrices of one column, which a stride between elements makes
// matrices of one row.
CUDASIM_EXPORT cublasStatus_t cublasSgemv_v2(cublasHandle_t handle, int op, int m, int n, const float* alpha,
                                             const float* a, int lda, const float* x, int x_increment,
                                             const float* beta, float* y, int y_increment) {
  CUBLAS_CALL(cublasSgemv_v2);
  cublasStatus_t status;
  auto found = begin(call, handle, op, op, m, n, 0, alpha, beta, status);
  if (found == nullptr) {
    return status;
  }
  // y^T = alpha x^T op(A)^T + beta y^T: rows of one element, x_increment and y_increment apart.
  const bool is_transposed = op == CUBLAS_OP_T;
  const int inner = is_transposed ? m : n;
  const int outer = is_transposed ? n : m;
  const Matrix left = {reinterpret_cast<uintptr_t>(x), false, 1, inner, x_increment};
  const Matrix right = {reinterpret_cast<uintptr_t>(a), !is_transposed, inner, outer, lda};
  const Matrix result = {reinterpret_cast<uintptr_t>(y), false, 1, outer, y_increment};
  if (!are_valid(left, right, result)) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  return queue_product<Single>(*found, left, right, result, *alpha, *beta);
}
