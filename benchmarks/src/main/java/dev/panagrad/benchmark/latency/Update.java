package dev.panagrad.benchmark.latency;

import dev.panagrad.backend.Batch;
import dev.panagrad.backend.Gradient;
import dev.panagrad.backend.Linear;
import dev.panagrad.backend.LinearAlgebra;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;

/** Learning from one row: its gradient, and a step. */
final class Update implements Work {
  private final Model model;
  private final LinearAlgebra linear;
  private final Linear parameters;
  private final Batch rows;
  private final Loss loss = new Squared();
  private final Parameters gradient;
  private final Gradient into;
  private final Optimizer optimizer;

  Update(long features, UpdateRule rule) {
    model = new Model(features);
    linear = model.backend.linear();
    parameters = new Linear(model.parameters.view("weights"), model.parameters.view("intercept"));
    rows = new Batch(model.x, model.y);
    gradient = model.parameters.like(model.arena, "gradient");
    into = new Gradient(gradient.view("weights"), gradient.view("intercept"), null);
    optimizer = Optimizer.of(rule).build(model.parameters, model.backend, model.arena);
  }

  @Override
  public void once(long turn) {
    linear.gradient(rows, Model.row(turn), 1, loss, parameters, into);
    optimizer.step(gradient);
  }

  @Override
  public void close() {
    model.close();
  }
}
