package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.tensor.Parameters;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.objective.MeasuredCurvature;
import dev.panagrad.train.objective.RowsObjective;
import dev.panagrad.train.objective.StandardizedPenalty;
import dev.panagrad.train.rows.RowFit;
import dev.panagrad.train.rows.TrainingLoss;
import dev.panagrad.train.rows.TrainingRows;
import java.util.Arrays;
import java.util.List;

/** The parts of one training that its loop and its session share. */
final class Workbench implements AutoCloseable {
  final TrainingPlan plan;
  final RowFit fit;

  final RowsObjective objective; // null where nothing looks at all rows
  final MeasuredCurvature curvature;
  final ExactSolution exact; // null where a method iterates
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
    exact = plan.isExact() ? exact(penalty.l2()) : null;
  }

  /** Solves before rows are standardized, which rounds them. */
  private ExactSolution exact(double l2) {
    TrainingRows rows = fit.rows();
    ExactSolution.Ridge ridge = new ExactSolution.Ridge(l2, rows.isChanged());
    ExactSolution found;
    try {
      found = rows.exactSolution(fit.backend(), fit.loss(), fit.hasIntercept(), ridge);
    } catch (IllegalArgumentException e) {
      throw notFinite(e);
    }
    Standardization units =
        rows.isChanged()
            ? rows.standardization()
            : Standardization.none(rows.data().features().size(), fit.outputs());
    double[][] minimum = new double[fit.outputs()][];
    Arrays.setAll(minimum, j -> units.fold(found.coefficients()[j], found.intercept()[j], j));
    objective.setMinimum(minimum);
    return found;
  }

  /** The exact solution as a model in raw units. */
  LinearModel exactModel() {
    Dataset data = fit.rows().data();
    Standardization units =
        fit.rows().isChanged()
            ? Standardization.none(data.features().size(), fit.outputs())
            : fit.rows().standardization();
    return units.unfold(exact.coefficients(), exact.intercept(), data.features(), data.targets());
  }

  /** What the exact solution found of columns, in words. */
  List<String> dependencies() {
    return exact == null
        ? List.of()
        : exact.diagnosis().dependencies().stream().map(this::sentence).toList();
  }

  private String sentence(ExactSolution.Dependency found) {
    List<String> names = fit.rows().data().features();
    List<String> on = found.on().stream().map(names::get).toList();
    return "feature '%s' is a combination of %s%s as far as rounding tells"
        .formatted(
            names.get(found.column()), Excerpt.of(on), fit.hasIntercept() ? " and a constant" : "");
  }

  /** The mean squared errors of the exact solution in the units of training. */
  double[] exactLosses() {
    double[] losses = exact.meanSquaredError().clone();
    for (int j = 0; fit.rows().isChanged() && j < losses.length; j++) {
      losses[j] /= fit.rows().standardization().lossScale(j);
    }
    return losses;
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

  /** How far the exact solution is from the minimum, by its own residuals. */
  Certificate exactCertificate() {
    Standardization units = fit.rows().standardization();
    double[] at = objective.minimum();
    double[] losses = exactLosses();
    double value = 0;
    double gap = 0;
    double variance = 0;
    for (int j = 0; j < losses.length; j++) {
      double share = 1.0 / losses.length;
      double unit = fit.rows().isChanged() ? 1 : units.lossScale(j);
      value += share * units.lossScale(j) * (losses[j] + objective.l2Penalty(at, j));
      gap += share * unit * exact.diagnosis().gap()[j];
      variance += share * unit * exact.targetVariance()[j];
    }
    double rounding = 4 * Math.ulp(1.0) * (value + Math.ulp(1.0) * variance);
    double[] gradient = new double[at.length];
    objective.evaluate(at, gradient);
    return new Certificate(
        value,
        Math.sqrt(Arrays.stream(gradient).map(g -> g * g).sum()),
        gap + rounding,
        exact.diagnosis().dependencies().isEmpty()
            ? "the residuals of the rows and their triangle"
            : "the residuals of the rows, with the columns that rounding can tell apart",
        exact.diagnosis().largestCurvature(),
        exact.diagnosis().smallestCurvature());
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
  RuntimeException notFinite(RuntimeException cause) {
    String found = fit.rows().firstNotFinite();
    if (found != null) {
      return notFinite(found, cause);
    }
    return cause instanceof ArithmeticException
        ? new DivergenceException(
            "%s: the data has values that are too large for %s; give them another unit"
                .formatted(cause.getMessage(), fit.rows().data().x().dtype()),
            1)
        : cause;
  }

  @Override
  public void close() {
    curvature.close();
  }
}
