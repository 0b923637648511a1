package dev.panagrad.benchmark.gpu;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;

/**
 * The backend {@code cuda}, opened for one comparison, so that the next, and PyTorch, find all its
 * memory free again. Its tensors belong to the comparison's arena.
 */
final class Device implements AutoCloseable {
  static final String BACKEND = "cuda";

  /** Words of the backend's detail where there is no GPU. */
  private static final String SOFTWARE = "software device";

  final Backend backend;
  final TensorArena memory;
  private final Tensor tiny;

  Device(TensorArena memory, BackendOptions options) {
    this.memory = memory;
    backend = Backends.open(BACKEND, options);
    tiny = zeros("tiny", 1);
  }

  static boolean isSoftware(String detail) {
    return detail.contains(SOFTWARE);
  }

  Tensor zeros(String name, long... extents) {
    return backend.allocate(memory, name, DType.F32, Shape.of(extents));
  }

  /** A tensor on the device that repeats the block, as often as it takes. */
  Tensor repeated(String name, Tensor block, long... extents) {
    Tensor tensor = zeros(name, extents);
    Tensor flat = tensor.reshape(tensor.count());
    Tensor flatBlock = block.reshape(block.count());
    for (long first = 0; first < flat.count(); first += flatBlock.count()) {
      long count = Math.min(flatBlock.count(), flat.count() - first);
      backend.copy(flatBlock.slice(0, count), flat.slice(first, count));
    }
    return tensor;
  }

  /** A copy of those elements in host memory. */
  Tensor download(Tensor tensor) {
    Tensor onHost = memory.allocate(tensor.name(), DType.F32, tensor.shape());
    backend.copy(tensor, onHost);
    return onHost;
  }

  /** Returns when all calls before are done. */
  void await() {
    backend.linear().norm2(tiny);
  }

  @Override
  public void close() {
    backend.close();
  }
}
