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
   * Reads elements of a slot into {@link StateBlock#slots}.
   *
   * @param state its tensors and those of the other slots
   * @param first first element, a multiple of the format's block
   * @param n elements, whole blocks, at most {@link StepBuffers#BLOCK_COUNT}
   */
  abstract void decode(Tensor[] state, int slot, long first, int n, StateBlock into);

  /** Rounds elements of a slot by the random bits of that step, and writes them. */
  abstract void encode(Tensor[] state, int slot, long first, int n, StateBlock from, long step);
}
