package dev.panagrad.backend.scalar;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;

/** Any rule's step by its scalar definition, element by element. Not shared between threads. */
public final class DefinitionStep implements StepKernel {
  private final UpdateRule rule;
  private final double[] state;
  private final Cells[] slotCells;

  /** For that rule. */
  public DefinitionStep(UpdateRule rule) {
    this.rule = rule;
    this.state = new double[rule.slots().size()];
    this.slotCells = new Cells[state.length];
  }

  @Override
  public void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    Cells pCells = Cells.of(p);
    Cells gCells = Cells.of(g);
    for (int s = 0; s < state.length; s++) {
      slotCells[s] = Cells.of(slots[s]);
    }
    for (long i = first; i < first + count; i++) {
      for (int s = 0; s < state.length; s++) {
        state[s] = slotCells[s].get(slots[s], i);
      }
      pCells.set(p, i, rule.update(pCells.get(p, i), gCells.get(g, i), state, c));
      for (int s = 0; s < state.length; s++) {
        slotCells[s].set(slots[s], i, state[s]);
      }
    }
  }
}
