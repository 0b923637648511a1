package dev.panagrad.backend.cuda;

import dev.panagrad.tensor.DType;

/**
 * A kernel that exists for F32 and for F64: a place to launch each from, made when it is first
 * used, so that a step finds it without allocating.
 */
final class TypedLaunch {
  private final CudaQueue queue;
  private final String file;
  private final String tail;
  private final int arguments;
  private CudaLaunch f32;
  private CudaLaunch f64;

  /** The kernels {@code file_f32} and {@code file_f64}. */
  TypedLaunch(CudaQueue queue, String file, int arguments) {
    this(queue, file, "", arguments);
  }

  /** The kernels {@code file_f32} and {@code file_f64} of a variant that the tail names. */
  TypedLaunch(CudaQueue queue, String file, String tail, int arguments) {
    this.queue = queue;
    this.file = file;
    this.tail = tail;
    this.arguments = arguments;
  }

  /** The place for a type, free to be written. */
  CudaLaunch of(DType dtype) {
    if (dtype == DType.F32) {
      if (f32 == null) {
        f32 = queue.launchOf(file, file + "_f32" + tail, arguments);
      }
      return queue.claim(f32);
    }
    if (f64 == null) {
      f64 = queue.launchOf(file, file + "_f64" + tail, arguments);
    }
    return queue.claim(f64);
  }
}
