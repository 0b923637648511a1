package dev.panagrad.benchmark.latency;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;

/** Learning from one row: its gradient, and a step. */
final class Update implements Work {
  private final Model model;
  private final LinearAlgebra linear;
  private final Tensor weights;
  private final Tensor intercept;
  private final Parameters gradient;
  private final Tensor weightGradient;
  private final Tensor interceptGradient;
  private final Optimizer optimizer;

  Update(long features, UpdateRule rule) {
    model = new Model(features);
    linear = model.backend.linear();
    weights = model.parameters.view("weights");
    intercept = model.parameters.view("intercept");
    gradient = model.parameters.like(model.arena, "gradient");
    weightGradient = gradient.view("weights");
    interceptGradient = gradient.view("intercept");
    optimizer = Optimizer.of(rule).build(model.parameters, model.backend, model.arena);
  }

  @Override
  public void once(long turn) {
    linear.gradient(
        new Batch(model.x, model.y),
        Model.row(turn),
        1,
        new Squared(),
        new Linear(weights, intercept),
        new Gradient(weightGradient, interceptGradient, null));
    optimizer.step(gradient);
  }

  @Override
  public void close() {
    model.close();
  }
}
