package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ColumnException;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.objective.MeasuredCurvature;
import dev.panagrad.train.objective.RowsObjective;
import dev.panagrad.train.objective.StandardizedPenalty;
import dev.panagrad.train.rows.RowFit;
import dev.panagrad.train.rows.TrainingLoss;
import dev.panagrad.train.rows.TrainingRows;
import java.util.List;

/** The parts of one training that its loop and its session share. */
final class Workbench implements AutoCloseable {
  private static final double LARGEST_COEFFICIENT = 0x1p984; // of a standardized one of 1

  final TrainingPlan plan;
  final RowFit fit;

  final RowsObjective objective; // null where nothing looks at all rows
  final MeasuredCurvature curvature;
  final DirectSolution direct; // null where a method iterates
  final Optimizer.Builder optimizer; // in the units of the rows; null where a solver iterates

  /** Prepares a training; throws if a value is not finite where the method needs it. */
  Workbench(TrainingPlan plan, TrainingRows rows, Backend backend, TensorArena arena) {
    this.plan = plan;
    TrainingLoss loss = TrainingLoss.of(plan.loss, rows, arena);
    if (plan.fit.isStandardized()) {
      rows.standardize(moments(plan, rows, loss, backend));
      loss = loss.in(rows.standardization());
    }
    fit = RowFit.of(backend, arena, rows, loss, plan.fit.hasIntercept());
    Standardization units = rows.standardization();
    boolean steps = plan.method.solver() == null;
    optimizer =
        steps
            ? StandardizedPenalty.optimizer(plan.method.optimizer(), units, loss.loss().degree())
            : null;
    Penalty penalty =
        steps
            ? StandardizedPenalty.objective(optimizer)
            : StandardizedPenalty.scaled(plan.method.penalty(), units, loss.loss().degree());
    objective =
        plan.looksAtAllRows() || plan.fit.isCertified() ? new RowsObjective(fit, penalty) : null;
    curvature = new MeasuredCurvature(fit, objective);
    direct = plan.isExact() ? direct(penalty.l2()) : null;
  }

  private DirectSolution direct(double l2) {
    try {
      return DirectSolution.of(fit, objective, l2);
    } catch (IllegalArgumentException e) {
      throw notFinite(e);
    }
  }

  /** Columns that rounding cannot tell from combinations of others, in words. */
  List<String> dependencies() {
    if (direct != null) {
      return direct.dependencies();
    }
    List<String> names = fit.rows().data().features();
    return curvature.cut().stream()
        .map(
            c ->
                "feature '%s' is a combination of others as far as rounding tells"
                    .formatted(names.get(c)))
        .toList();
  }

  /** Makes the parameters those that the training starts from; the plan has checked the names. */
  void start() {
    LinearModel model = plan.fit.start();
    if (model == null) {
      return;
    }
    Dataset data = fit.rows().data();
    Parameters there = fit.regression().parameters();
    try (TensorArena scratch = TensorArena.open("start")) {
      Parameters here = there.layoutOf().allocate(scratch, "start", there.flat().dtype());
      Tensor w = here.view(LinearRegression.WEIGHTS);
      Tensor b = fit.hasIntercept() ? here.view(here.names().getLast()) : null;
      fit.rows()
          .standardization()
          .fold(model.in(data.features(), data.targets(), plan.loss.loss()), w, b);
      fit.backend().copy(here.flat(), there.flat());
    }
  }

  private static Standardization moments(
      TrainingPlan plan, TrainingRows rows, TrainingLoss loss, Backend backend) {
    Standardization fit;
    try {
      fit = rows.moments(backend, plan.fit.hasIntercept(), loss.weights());
    } catch (ColumnException e) {
      throw e.named(rows.data().x(), rows.data().features(), rows.data().targets());
    }
    String found = plan.looksAtAllRows() && !fit.isFinite() ? rows.firstNotFinite() : null;
    if (found != null) {
      throw notFinite(found, null);
    }
    Penalty penalty =
        plan.method.optimizer() == null
            ? plan.method.penalty()
            : StandardizedPenalty.objective(plan.method.optimizer());
    Standardization units =
        loss.isLeastSquares()
            ? StandardizedPenalty.scales(fit, penalty)
            : scalesTargets(plan) ? fit.withCommonTargetScale() : fit.withRawTargets();
    for (int j = 0; j < units.targets(); j++) {
      requireSquares(loss.unit(units, j), rows.data(), j);
      requireCoefficients(units, rows.data(), j);
    }
    return units;
  }

  /**
   * True for the losses beside least squares whose targets are scaled too, so that neither rates
   * nor the range of numbers depend on their unit. Not where an optimizer's decay, which is no
   * penalty that could be scaled, has not the degree of the loss.
   */
  private static boolean scalesTargets(TrainingPlan plan) {
    int degree = plan.loss.loss().degree();
    if (degree != 1 || plan.loss.offset() != null || plan.method.solver() != null) {
      return degree > 0 && plan.loss.offset() == null;
    }
    UpdateRule rule = plan.method.optimizer().rule();
    return rule.isDecayDecoupled() || rule.weightDecay() == 0;
  }

  /** Throws where a target varies by so little that its squared errors are no numbers. */
  static void requireSquares(double meanSquare, Dataset data, int target) {
    if (meanSquare < Double.MIN_NORMAL) {
      throw new IllegalArgumentException(
          "target '%s' varies by so little that squares of its deviations are below F64; give it another unit"
              .formatted(data.targets().get(target)));
    }
  }

  /** Throws where a feature varies by so little that its coefficient in raw units is no number. */
  private static void requireCoefficients(Standardization units, Dataset data, int target) {
    for (int f = 0; f < data.features().size(); f++) {
      double size = units.targetScale(target) / units.featureScale(f);
      if (!units.isConstant(f) && size > LARGEST_COEFFICIENT) {
        throw new IllegalArgumentException(
            "feature '%s' varies by so little beside target '%s' that its coefficient is beyond F64; give the column another unit"
                .formatted(data.features().get(f), data.targets().get(target)));
      }
    }
  }

  private static IllegalArgumentException notFinite(String found, Throwable cause) {
    return new IllegalArgumentException(
        found + ", which no sum over all rows survives; leave out the row, or fill in a number",
        cause);
  }

  /** The failure of a method or a rate for which numbers over all rows are not finite. */
  RuntimeException notFinite(RuntimeException cause) {
    Dataset data = fit.rows().data();
    if (cause instanceof ColumnException column) {
      return column.named(data.x(), data.features(), data.targets());
    }
    String found = fit.rows().firstNotFinite();
    if (found != null) {
      return notFinite(found, cause);
    }
    return cause instanceof ArithmeticException
        ? new DivergenceException(
            "%s: the data has values that are too large for %s; give them another unit"
                .formatted(cause.getMessage(), data.x().dtype()),
            1)
        : cause;
  }

  @Override
  public void close() {
    curvature.close();
  }
}
