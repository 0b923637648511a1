package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.objective.MeasuredCurvature;
import dev.panagrad.train.objective.RowsObjective;
import dev.panagrad.train.objective.StandardizedPenalty;
import dev.panagrad.train.rows.RowFit;
import dev.panagrad.train.rows.TrainingLoss;
import dev.panagrad.train.rows.TrainingRows;

/** The parts of one training that its loop and its session share. */
final class Workbench implements AutoCloseable {
  final TrainingPlan plan;
  final RowFit fit;

  final RowsObjective objective; // null where nothing looks at all rows
  final MeasuredCurvature curvature;
  final Optimizer.Builder optimizer; // in the units of the rows; null where a solver iterates

  /** Prepares a training; throws if a value is not finite where the method needs it. */
  Workbench(TrainingPlan plan, TrainingRows rows, Backend backend, TensorArena arena) {
    this.plan = plan;
    TrainingLoss loss = TrainingLoss.of(plan.loss, rows, arena);
    if (plan.fit.isStandardized()) {
      rows.standardize(moments(plan, rows, loss));
    }
    fit = RowFit.of(backend, arena, rows, loss, plan.fit.hasIntercept());
    Standardization units = rows.standardization();
    boolean steps = plan.method.solver() == null;
    optimizer = steps ? StandardizedPenalty.optimizer(plan.method.optimizer(), units) : null;
    Penalty penalty =
        steps
            ? StandardizedPenalty.objective(optimizer)
            : StandardizedPenalty.scaled(plan.method.penalty(), units);
    objective =
        plan.looksAtAllRows() || plan.fit.isCertified() ? new RowsObjective(fit, penalty) : null;
    curvature = new MeasuredCurvature(fit, objective);
  }

  private static Standardization moments(TrainingPlan plan, TrainingRows rows, TrainingLoss loss) {
    Standardization fit = rows.moments(plan.fit.hasIntercept(), loss.weights());
    String found = plan.looksAtAllRows() && !fit.isFinite() ? rows.firstNotFinite() : null;
    if (found != null) {
      throw notFinite(found, null);
    }
    Penalty penalty =
        plan.method.optimizer() == null
            ? plan.method.penalty()
            : StandardizedPenalty.objective(plan.method.optimizer());
    return StandardizedPenalty.scales(loss.isLeastSquares() ? fit : fit.withRawTargets(), penalty);
  }

  private static IllegalArgumentException notFinite(String found, Throwable cause) {
    return new IllegalArgumentException(
        found + ", which no sum over all rows survives; leave out the row, or fill in a number",
        cause);
  }

  /** The failure of a method or a rate for which numbers over all rows are not finite. */
  RuntimeException notFinite(ArithmeticException cause) {
    String found = fit.rows().firstNotFinite();
    return found == null
        ? new DivergenceException(
            "%s: the data has values that are too large for %s; give them another unit"
                .formatted(cause.getMessage(), fit.rows().data().x().dtype()),
            1)
        : notFinite(found, cause);
  }

  @Override
  public void close() {
    curvature.close();
  }
}
