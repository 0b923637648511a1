package dev.panagrad.backend;

import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Shape;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntConsumer;

/**
 * An opened device places tensors, moves data explicitly and hands out kernels.
 *
 * <p>Threading: kernels may be called from any thread; those that use the worker threads or scratch
 * memory take turns. Ownership: a backend owns its threads and scratch memory until it is closed;
 * tensors belong to their arena.
 */
public interface Backend extends AutoCloseable {
  /** Returns the provider's name. */
  String name();

  /** Describes it to a person: vector width, library version, threads. */
  String detail();

  /** True if its kernels work on host memory; if not, tensors must be {@link #place}d first. */
  boolean usesHostMemory();

  /** Allocates a zeroed tensor where this backend's kernels work, owned by the arena. */
  Tensor allocate(TensorArena arena, String name, DType dtype, Shape shape);

  /** Returns the tensor if kernels can use it where it is, else a copy that the arena owns. */
  Tensor place(TensorArena arena, Tensor tensor);

  /**
   * Places rows that {@link LinearAlgebra#gradient} and {@link LinearAlgebra#predict} will read: as
   * {@link #place} does if they fit, else they stay in host memory and are copied to the device
   * batch by batch, while the batch before is computed. Then they must not change, nor their memory
   * be released, before the next call that returns numbers to the host.
   */
  default DenseRows placeRows(TensorArena arena, DenseRows rows) {
    return new DenseRows(
        place(arena, rows.x()),
        place(arena, rows.y()),
        rows.weights() == null ? null : place(arena, rows.weights()),
        rows.offset() == null ? null : place(arena, rows.offset()));
  }

  /** Copies, and counts, elements between tensors of the same shape and type, on either side. */
  void copy(Tensor from, Tensor to);

  /** Returns the linear algebra and gradient kernels. */
  LinearAlgebra linear();

  /**
   * Returns a kernel for one optimizer's steps, or empty if this backend has none for the rule,
   * type and format of the state. The kernel belongs to one optimizer and is not shared.
   */
  Optional<StepKernel> step(UpdateRule rule, DType dtype, StateFormat format);

  /** Returns the formats in which its steps can keep state. */
  default Set<StateFormat> stateFormats() {
    return Set.of(StateFormat.SAME);
  }

  /**
   * Computes parts of something in host memory, from 0, on the backend's threads, and returns when
   * all are done. Here, and where a backend has no threads of its own, in their order on the
   * calling thread. A part must not call the backend.
   */
  default void share(int parts, IntConsumer part) {
    for (int i = 0; i < parts; i++) {
      part.accept(i);
    }
  }

  /** Returns the counters of copies, bytes and kernel calls since the backend was opened. */
  StepTrace trace();

  /**
   * Waits for the calls that compute, ends the backend's threads and frees its scratch memory. A
   * second close does nothing.
   *
   * <p>A call on the backend, its kernels or an optimizer that another thread makes meanwhile ends
   * as if it had come before, or throws {@link IllegalStateException} and writes nothing: {@code
   * backend 'cuda' was closed; open another one}, with the backend's name. So does every later call
   * that needs the backend, and every use of a tensor in its device memory. An optimizer's step on
   * several ranges of parameters may have been made on some of them.
   */
  @Override
  void close();
}
