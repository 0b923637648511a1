package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.objective.MeasuredCurvature;
import dev.panagrad.train.objective.RowsObjective;
import dev.panagrad.train.objective.StandardizedPenalty;
import dev.panagrad.train.rows.GradientParts;
import dev.panagrad.train.rows.LossLog;
import dev.panagrad.train.rows.TrainingLoss;
import dev.panagrad.train.rows.TrainingRows;

/** The parts of one training that its loop and its session share. */
final class Workbench implements AutoCloseable {
  final TrainingPlan plan;
  final TrainingRows rows;
  final Backend backend;
  final TensorArena arena;
  final TrainingLoss loss;
  final LinearRegression regression;
  final GradientParts parts;

  /** Null where neither rate nor certificate were asked for, and an optimizer steps. */
  final RowsObjective objective;

  final MeasuredCurvature curvature;

  /** In the units of the rows; null where a solver iterates. */
  final Optimizer.Builder optimizer;

  /**
   * Prepares a training; nothing of the data changes.
   *
   * @throws IllegalArgumentException if a row's value is not finite where the method needs it
   */
  Workbench(TrainingPlan plan, TrainingRows rows, Backend backend, TensorArena arena) {
    this.plan = plan;
    this.rows = rows;
    this.backend = backend;
    this.arena = arena;
    if (plan.fit.isStandardized()) {
      rows.standardize(moments());
    }
    loss = TrainingLoss.of(plan.loss, rows, arena);
    regression = newRegression();
    parts = new GradientParts(backend, arena, regression.gradient().flat());
    Standardization units = rows.standardization();
    optimizer =
        plan.method.optimizer() == null
            ? null
            : StandardizedPenalty.optimizer(plan.method.optimizer(), units);
    Penalty penalty =
        optimizer == null
            ? StandardizedPenalty.scaled(plan.method.penalty(), units)
            : StandardizedPenalty.objective(optimizer);
    objective =
        plan.looksAtAllRows() || plan.fit.isCertified()
            ? new RowsObjective(backend, arena, rows, regression, loss, parts, penalty)
            : null;
    curvature =
        new MeasuredCurvature(objective, rows, loss, plan.fit.hasIntercept(), backend, arena);
  }

  private Standardization moments() {
    Standardization fit = rows.moments(plan.fit.hasIntercept());
    if (plan.looksAtAllRows()) {
      double sum = 0;
      for (int f = 0; f < fit.features(); f++) {
        sum += fit.featureScale(f) * 0;
      }
      for (int j = 0; j < fit.targets(); j++) {
        sum += fit.targetScale(j) * 0;
      }
      String found = sum == 0 ? null : rows.firstNotFinite();
      if (found != null) {
        throw notFinite(found, null);
      }
    }
    Penalty penalty =
        plan.method.optimizer() == null
            ? plan.method.penalty()
            : StandardizedPenalty.objective(plan.method.optimizer());
    return StandardizedPenalty.scales(plan.loss.isPlain() ? fit : fit.withRawTargets(), penalty);
  }

  private static IllegalArgumentException notFinite(String found, Throwable cause) {
    return new IllegalArgumentException(
        found + ", which no sum over all rows survives; leave out the row, or fill in a number",
        cause);
  }

  /** The failure of a method or a rate for which numbers over all rows are not finite. */
  RuntimeException notFinite(ArithmeticException cause) {
    String found = rows.firstNotFinite();
    return found == null
        ? new DivergenceException(
            "%s: the data has values that are too large for %s; give them another unit"
                .formatted(cause.getMessage(), rows.data().x().dtype()),
            1)
        : notFinite(found, cause);
  }

  /** A regression of this shape over these rows. */
  LinearRegression newRegression() {
    LinearRegression made =
        new LinearRegression(
            backend,
            arena,
            rows.data().x().dtype(),
            features(),
            outputs(),
            plan.fit.hasIntercept());
    made.use(loss.loss());
    return made;
  }

  int features() {
    return rows.data().features().size();
  }

  int outputs() {
    return rows.data().targets().size();
  }

  /** A log of the losses of the regression that is trained. */
  LossLog newLossLog(boolean isAwaited) {
    return new LossLog(backend, arena, regression, isAwaited);
  }

  /** A tensor, or its copy in host memory. */
  Tensor onHost(Tensor t) {
    if (t.isHost()) {
      return t;
    }
    Tensor host = arena.allocate(t.name(), t.dtype(), t.shape());
    backend.copy(t, host);
    return host;
  }

  @Override
  public void close() {
    curvature.close();
  }
}
