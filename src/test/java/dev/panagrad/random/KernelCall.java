package dev.panagrad.random;

import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * A call of the linear algebra.
 *
 * @param words what it is
 * @param outputs the tensors that it may write
 * @param call runs it and returns its number or answer, or null
 * @param verify fails if what it returned, or left in the outputs, is further from the right result
 *     than roundings explain; for operands of ordinary numbers
 */
record KernelCall(
    String words,
    List<Tensor> outputs,
    Function<LinearAlgebra, Object> call,
    Consumer<Object> verify) {
  /** The unit roundoff of the type of a tensor. */
  static double roundoff(Tensor t) {
    return t.dtype().bytes() == Float.BYTES ? 0x1p-24 : 0x1p-53;
  }

  /** Fails unless both are as near as that. */
  static void near(String what, double expected, double found, double bound) {
    near(what, 0, 0, expected, found, bound);
  }

  /** Fails unless both are as near as that, with the place in what it is in. */
  static void near(String what, long i, long j, double expected, double found, double bound) {
    if (!(Math.abs(expected - found) <= bound)) {
      throw new AssertionError(
          "%s (%d, %d): expected %s, found %s, more than %s apart"
              .formatted(what, i, j, expected, found, bound));
    }
  }
}
