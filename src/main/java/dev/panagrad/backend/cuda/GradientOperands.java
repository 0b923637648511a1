package dev.panagrad.backend.cuda;

import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.tensor.DType;

/** What a gradient call is about, apart from its rows; addresses are the device's. */
final class GradientOperands {
  DType dtype;
  long features;
  int outputs;
  // Rows of the whole batch.
  long count;

  // 0 for what is null.
  long w;
  long b;
  long gw;
  long gb;
  long loss;

  void set(Linear model, Gradient into, long newCount, CudaMemory memory) {
    dtype = model.dtype();
    features = model.features();
    outputs = Math.toIntExact(model.outputs());
    count = newCount;
    w = memory.address(model.w());
    b = memory.addressOrZero(model.b());
    gw = memory.address(into.gw());
    gb = memory.addressOrZero(into.gb());
    loss = memory.addressOrZero(into.loss());
  }

  /** Length of an output's row of partial sums: its features, the residuals, their squares. */
  long partialStride() {
    return features + 2;
  }
}
