package dev.panagrad.backend.simd;

import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;

/**
 * State in a compact format to F32 and back, by vectors. One optimizer owns one instance, which its
 * worker threads share: it holds no numbers of a step.
 */
abstract class StateCodec {
  private final boolean[] nonNegative;

  StateCodec(UpdateRule rule) {
    nonNegative = new boolean[rule.slots().size()];
    for (int slot = 0; slot < nonNegative.length; slot++) {
      nonNegative[slot] = rule.isNonNegative(slot);
    }
  }

  /** State vectors of the rule. */
  final int slots() {
    return nonNegative.length;
  }

  final boolean isNonNegative(int slot) {
    return nonNegative[slot];
  }

  /**
   * Reads a block of all slots into {@link StateBlock#slots}.
   *
   * @param state the tensors of all slots
   * @param b the number of the block
   */
  abstract void decode(Tensor[] state, long b, StateBlock into);

  /** Rounds a block of all slots by the random bits of that step, and writes it. */
  abstract void encode(Tensor[] state, long b, StateBlock from, long step);
}
