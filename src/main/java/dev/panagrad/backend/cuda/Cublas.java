package dev.panagrad.backend.cuda;

import dev.panagrad.backend.DeviceException;
import dev.panagrad.backend.MathMode;
import dev.panagrad.backend.StepTrace;
import dev.panagrad.backend.cuda.bindings.CublasBindings;
import dev.panagrad.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * The checked skin over the generated cuBLAS bindings: row-major products on the queue's stream. No
 * call is made with a number that cuBLAS, which counts with 32 bits, cannot hold.
 *
 * <p>The library is started at the first product: a training of one output needs none. Its
 * workspace is ours, so that it allocates nothing later and its results repeat. Its size may decide
 * how cuBLAS computes: a memory limit below 256 MiB may give other last bits.
 *
 * <p>Threading: by the queue's lock.
 */
final class Cublas {
  // What NVIDIA recommends for Hopper, and more than it asks for elsewhere.
  private static final long WORKSPACE_BYTES = 32L * 1024 * 1024;
  // Within a memory limit: an eighth of what is left, in steps of the alignment cuBLAS wants.
  private static final int WORKSPACE_PART = 8;

  private static final long WORKSPACE_STEP = 256;
  // Below this, the documentation says, a product may be refused.
  private static final long MIN_WORKSPACE_BYTES = 16 * 1024;
  // Rows of bfloat16 start at multiples of 16 bytes, which the tensor cores' kernels need.
  private static final int BFLOAT16_STEP = 8;

  // The operands of the next product.
  final DeviceMatrix a = new DeviceMatrix();
  final DeviceMatrix b = new DeviceMatrix();
  final DeviceMatrix c = new DeviceMatrix();

  private final CudaQueue queue;
  private final CudaMemory memory;
  private final MathMode math;
  private final CudaScratch workspace;
  private final CudaScratch castA;
  private final CudaScratch castB;
  private final MemorySegment numbers;
  private MemorySegment handle;
  private CudaLaunch cast;

  Cublas(CudaQueue queue, CudaMemory memory, MathMode math) {
    this.queue = queue;
    this.memory = memory;
    this.math = math;
    workspace = new CudaScratch(memory, "cuBLAS workspace");
    castA = new CudaScratch(memory, "bfloat16 of a product's left side");
    castB = new CudaScratch(memory, "bfloat16 of a product's right side");
    numbers = queue.arena.allocate(2L * Double.BYTES, Double.BYTES);
  }

  /**
   * Loads the library and looks every symbol up. Returns version and path. Throws {@link
   * UnsatisfiedLinkError} if it is not there, or lacks a symbol.
   */
  static String describeLibrary() {
    Path library = CudaLibraries.cublas();
    CudaDevices.requireSymbols(CublasBindings.class, library);
    try (Arena temporary = Arena.ofConfined()) {
      MemorySegment value = temporary.allocate(ValueLayout.JAVA_INT);
      StringBuilder version = new StringBuilder();
      for (int part :
          new int[] {
            CublasBindings.MAJOR_VERSION(),
            CublasBindings.MINOR_VERSION(),
            CublasBindings.PATCH_LEVEL()
          }) {
        int code = CublasBindings.cublasGetProperty(part, value);
        if (code != CublasBindings.CUBLAS_STATUS_SUCCESS()) {
          throw new UnsatisfiedLinkError(library + ": cublasGetProperty failed with " + code);
        }
        version.append(version.isEmpty() ? "" : ".").append(value.get(ValueLayout.JAVA_INT, 0));
      }
      return version + ", " + library;
    }
  }

  /**
   * {@code C = alpha op(A) op(B) + beta C} for the row-major matrices {@link #a}, {@link #b} and
   * {@link #c}, C being m x n and the inner extent k. cuBLAS takes columns: {@code C^T = alpha
   * op(B)^T op(A)^T + beta C^T} is the same memory.
   */
  void gemm(DType dtype, double alpha, double beta) {
    long m = c.rows;
    long n = c.cols;
    long k = a.isTransposed ? a.rows : a.cols;
    if (m == 0 || n == 0) {
      return;
    }
    int mm = size("rows of C", m);
    int nn = size("columns of C", n);
    int kk = size("inner extent", k);
    int lda = stride(a.stride);
    int ldb = stride(b.stride);
    int ldc = stride(c.stride);
    open();
    MemorySegment beside = numbers.asSlice(Double.BYTES);
    int opA = operation(a.isTransposed);
    int opB = operation(b.isTransposed);
    int code;
    String call;
    if (dtype == DType.F64) {
      numbers.set(ValueLayout.JAVA_DOUBLE, 0, alpha);
      beside.set(ValueLayout.JAVA_DOUBLE, 0, beta);
      call = "cublasDgemm";
      code =
          CublasBindings.cublasDgemm_v2(
              handle, opB, opA, nn, mm, kk, numbers, at(b.at), ldb, at(a.at), lda, beside, at(c.at),
              ldc);
    } else {
      numbers.set(ValueLayout.JAVA_FLOAT, 0, (float) alpha);
      beside.set(ValueLayout.JAVA_FLOAT, 0, (float) beta);
      if (math == MathMode.BF16 && k > 0) {
        long shortA = bfloat16(castA, a);
        long shortB = bfloat16(castB, b);
        int type = CublasBindings.CUDA_R_16BF();
        call = "cublasGemmEx";
        code =
            CublasBindings.cublasGemmEx(
                handle,
                opB,
                opA,
                nn,
                mm,
                kk,
                numbers,
                at(shortB),
                type,
                bfloat16Stride(b.cols),
                at(shortA),
                type,
                bfloat16Stride(a.cols),
                beside,
                at(c.at),
                CublasBindings.CUDA_R_32F(),
                ldc,
                CublasBindings.CUBLAS_COMPUTE_32F(),
                CublasBindings.CUBLAS_GEMM_DEFAULT());
      } else {
        call = "cublasSgemm";
        code =
            CublasBindings.cublasSgemm_v2(
                handle, opB, opA, nn, mm, kk, numbers, at(b.at), ldb, at(a.at), lda, beside,
                at(c.at), ldc);
      }
    }
    queue.trace.count(StepTrace.Event.LAUNCH);
    check(code, call, "%,d x %,d x %,d".formatted(m, n, k));
  }

  private static int bfloat16Stride(long cols) {
    return stride(Math.ceilDiv(cols, BFLOAT16_STEP) * BFLOAT16_STEP);
  }

  /** The matrix rounded to bfloat16, rows {@link #bfloat16Stride} apart. */
  private long bfloat16(CudaScratch scratch, DeviceMatrix from) {
    int stride = bfloat16Stride(from.cols);
    long to = scratch.address(from.rows * stride * Short.BYTES);
    if (cast == null) {
      cast = queue.launchOf("cast", "cast_f32_bf16", 6);
    }
    queue.launch(
        cast.put(0, from.at, from.stride, from.rows, from.cols)
            .put(4, to, stride)
            .overElements(from.rows * from.cols));
    return to;
  }

  private void open() {
    queue.flush();
    if (handle != null) {
      return;
    }
    long part = memory.available() / WORKSPACE_PART / WORKSPACE_STEP * WORKSPACE_STEP;
    long bytes = Math.clamp(part, MIN_WORKSPACE_BYTES, WORKSPACE_BYTES);
    long space = workspace.address(bytes);
    String library = CudaLibraries.cublas() + "; is it made for this driver?";
    check(CublasBindings.cublasCreate_v2(numbers), "cublasCreate", library);
    MemorySegment created = numbers.get(ValueLayout.ADDRESS, 0);
    try {
      check(CublasBindings.cublasSetStream_v2(created, queue.stream), "cublasSetStream", "");
      check(
          CublasBindings.cublasSetWorkspace_v2(created, at(space), bytes),
          "cublasSetWorkspace",
          "");
      int mode =
          math == MathMode.TF32
              ? CublasBindings.CUBLAS_TF32_TENSOR_OP_MATH()
              : CublasBindings.CUBLAS_DEFAULT_MATH();
      check(CublasBindings.cublasSetMathMode(created, mode), "cublasSetMathMode", "");
    } catch (DeviceException e) {
      int ignored = CublasBindings.cublasDestroy_v2(created);
      throw e;
    }
    handle = created;
  }

  /** An error of the device that cuBLAS was told of is the driver's: it knows what is lost. */
  private void check(int code, String call, String sizes) {
    if (code != CublasBindings.CUBLAS_STATUS_SUCCESS()) {
      queue.driver.enter();
      queue.driver.synchronize(queue.stream);
      throw new DeviceException(
          "cuBLAS call %s%s failed with %s"
              .formatted(call, sizes.isEmpty() ? "" : " (" + sizes + ")", status(code)),
          false,
          null);
    }
  }

  /** As cublas_api.h names them; the library's own words are missing before version 11.4. */
  private static String status(int code) {
    String name =
        switch (code) {
          case 1 -> "CUBLAS_STATUS_NOT_INITIALIZED";
          case 3 -> "CUBLAS_STATUS_ALLOC_FAILED";
          case 7 -> "CUBLAS_STATUS_INVALID_VALUE";
          case 8 -> "CUBLAS_STATUS_ARCH_MISMATCH";
          case 11 -> "CUBLAS_STATUS_MAPPING_ERROR";
          case 13 -> "CUBLAS_STATUS_EXECUTION_FAILED";
          case 14 -> "CUBLAS_STATUS_INTERNAL_ERROR";
          case 15 -> "CUBLAS_STATUS_NOT_SUPPORTED";
          default -> "status";
        };
    return name + " (" + code + ")";
  }

  private static int operation(boolean transpose) {
    return transpose ? CublasBindings.CUBLAS_OP_T() : CublasBindings.CUBLAS_OP_N();
  }

  private static MemorySegment at(long address) {
    return MemorySegment.ofAddress(address);
  }

  private static int stride(long elements) {
    return size("row stride", Math.max(1, elements));
  }

  private static int size(String what, long value) {
    if (value > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          "%s is %,d, and cuBLAS counts with 32 bits; use smaller batches or another backend"
              .formatted(what, value));
    }
    return (int) value;
  }

  void close() {
    if (handle != null && !queue.driver.isLost()) {
      int ignored = CublasBindings.cublasDestroy_v2(handle);
    }
    handle = null;
  }
}
