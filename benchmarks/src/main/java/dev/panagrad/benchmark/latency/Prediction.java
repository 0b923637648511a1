package dev.panagrad.benchmark.latency;

import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;

/** The prediction of one row. */
final class Prediction implements Work {
  private final Model model;
  private final LinearAlgebra linear;
  private final Linear parameters;
  private final Tensor out;

  Prediction(long features) {
    model = new Model(features);
    linear = model.backend.linear();
    parameters = new Linear(model.parameters.view("weights"), model.parameters.view("intercept"));
    out = model.arena.allocate("prediction", DType.F32, 1);
  }

  @Override
  public void once(long turn) {
    linear.predict(model.x, Model.row(turn), 1, parameters, out);
  }

  @Override
  public void close() {
    model.close();
  }
}
