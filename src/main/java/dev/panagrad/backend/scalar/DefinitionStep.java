package dev.panagrad.backend.scalar;

import dev.panagrad.backend.StepKernel;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.StepCoefficients;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.cell.Cells;

/**
 * Any rule's step by its scalar definition, element by element, with state in any format. Not
 * shared between threads.
 */
public final class DefinitionStep implements StepKernel {
  private final UpdateRule rule;
  private final StateFormat format;
  private final double[] state;
  private final float[][] block;

  /** For that rule, with state in that format. */
  public DefinitionStep(UpdateRule rule, StateFormat format) {
    this.rule = rule;
    this.format = format;
    this.state = new double[rule.slots().size()];
    this.block = new float[format.isCompact() ? state.length : 0][StateFormat.BLOCK];
  }

  @Override
  public void apply(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    if (format.isCompact()) {
      applyInBlocks(p, g, slots, first, count, c);
      return;
    }
    for (long i = first; i < first + count; i++) {
      for (int s = 0; s < state.length; s++) {
        state[s] = Cells.get(slots[s], i);
      }
      Cells.set(p, i, rule.update(Cells.get(p, i), Cells.get(g, i), state, c));
      for (int s = 0; s < state.length; s++) {
        Cells.set(slots[s], i, state[s]);
      }
    }
  }

  private void applyInBlocks(
      Tensor p, Tensor g, Tensor[] slots, long first, long count, StepCoefficients c) {
    long end = first + count;
    for (long b = first / StateFormat.BLOCK; b * StateFormat.BLOCK < end; b++) {
      for (int s = 0; s < state.length; s++) {
        StateCells.read(format, slots, s, rule.isNonNegative(s), b, block[s]);
      }
      long start = b * StateFormat.BLOCK;
      for (long i = Math.max(first, start); i < Math.min(end, start + StateFormat.BLOCK); i++) {
        int j = (int) (i - start);
        for (int s = 0; s < state.length; s++) {
          state[s] = block[s][j];
        }
        Cells.set(p, i, rule.update(Cells.get(p, i), Cells.get(g, i), state, c));
        for (int s = 0; s < state.length; s++) {
          block[s][j] = (float) state[s];
        }
      }
      for (int s = 0; s < state.length; s++) {
        StateCells.write(format, slots, s, rule.isNonNegative(s), b, block[s], c.step);
      }
    }
  }
}
