package dev.panagrad.backend;

import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/**
 * Holds the tensors that a gradient and its loss are written to. The three are in separate memory.
 *
 * @param gw gradient of the weights [k, d], F32 or F64, contiguous
 * @param gb gradient of the intercepts [k] of the same type; null exactly if the model has none
 * @param loss mean loss of each output [k], F64, or null if it is not needed
 */
public record Gradient(Tensor gw, Tensor gb, Tensor loss) {
  /** Throws IllegalArgumentException if a shape or type is wrong, memory read-only or shared. */
  public Gradient {
    DType dtype = Operands.floating(gw);
    Operands.matrix(gw, dtype);
    gw.requireContiguous();
    gw.requireWritable();
    if (gb != null) {
      Operands.vector(gb, dtype, gw.rows());
      gb.requireWritable();
      gb.requireDisjoint(gw);
    }
    if (loss != null) {
      Operands.vector(loss, DType.F64, gw.rows());
      loss.requireWritable();
      loss.requireDisjoint(gw);
      if (gb != null) {
        loss.requireDisjoint(gb);
      }
    }
  }

  /** Throws {@link IllegalArgumentException} unless it has the shapes and the type of a model. */
  public void requireFits(Linear model) {
    if (gw.cols() != model.features() || gw.rows() != model.outputs()) {
      gw.requireShape(model.w().shape());
    }
    gw.requireDType(model.dtype());
    if ((model.b() == null) != (gb == null)) {
      throw new IllegalArgumentException(
          "gradient: intercepts and their gradient come together; "
              + (gb == null ? "gb" : "b")
              + " is null");
    }
  }

  /** Throws {@link IllegalStateException} if memory of an output was closed. */
  void requireUsable() {
    gw.requireUsable();
    if (gb != null) {
      gb.requireUsable();
    }
    if (loss != null) {
      loss.requireUsable();
    }
  }

  /** Throws {@link IllegalArgumentException} if it shares memory with an operand; null has none. */
  public void requireDisjoint(Tensor operand) {
    if (operand != null) {
      gw.requireDisjoint(operand);
      if (gb != null) {
        gb.requireDisjoint(operand);
      }
      if (loss != null) {
        loss.requireDisjoint(operand);
      }
    }
  }
}
