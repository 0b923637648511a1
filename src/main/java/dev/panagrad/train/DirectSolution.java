package dev.panagrad.train;

import dev.panagrad.backend.Batch;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Quantile;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.QuantileSolution;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.Excerpt;
import dev.panagrad.train.objective.RowsObjective;
import dev.panagrad.train.rows.RowFit;
import dev.panagrad.train.rows.TrainingRows;
import java.util.Arrays;
import java.util.List;

/**
 * The minimum of a training's loss, computed before rows are standardized, which rounds them: least
 * squares by {@link ExactSolution}, quantiles by {@link QuantileSolution}.
 */
final class DirectSolution {
  private final RowFit fit;
  private final RowsObjective objective;
  private final boolean isChanged; // whether rows are yet to be standardized
  private final double[][] coefficients; // of the rows as they were
  private final double[] intercept;
  private final double[] losses;
  private final double[] gap;
  private final ExactSolution squared; // null for quantiles
  private final List<ExactSolution.Dependency> dependencies;
  private final int passes;

  private DirectSolution(RowFit fit, RowsObjective objective, ExactSolution found) {
    this.fit = fit;
    this.objective = objective;
    isChanged = fit.rows().isChanged();
    coefficients = found.coefficients();
    intercept = found.intercept();
    losses = found.meanSquaredError();
    gap = found.diagnosis().gap();
    squared = found;
    dependencies = found.diagnosis().dependencies();
    passes = found.diagnosis().passes();
  }

  private DirectSolution(RowFit fit, RowsObjective objective, QuantileSolution found) {
    this.fit = fit;
    this.objective = objective;
    isChanged = fit.rows().isChanged();
    coefficients = found.coefficients();
    intercept = found.intercept();
    losses = found.loss();
    gap = found.gap().clone();
    Arrays.setAll(gap, j -> gap[j] + found.rounding()[j]);
    squared = null;
    dependencies = found.dependencies();
    passes = 3 + 4 * found.iterations();
  }

  /** Solves, and tells the objective where its minimum is. */
  static DirectSolution of(RowFit fit, RowsObjective objective, double l2) {
    TrainingRows rows = fit.rows();
    Batch batch = rows.hostBatch(fit.loss());
    DirectSolution solution =
        fit.loss().loss() instanceof Quantile quantile
            ? new DirectSolution(
                fit,
                objective,
                QuantileSolution.solve(
                    fit.backend(), batch, rows.trained(), fit.hasIntercept(), quantile.tau()))
            : new DirectSolution(
                fit,
                objective,
                ExactSolution.solve(
                    fit.backend(),
                    batch,
                    rows.trained(),
                    fit.hasIntercept(),
                    new ExactSolution.Ridge(l2, rows.isChanged())));
    Standardization units =
        rows.isChanged()
            ? rows.standardization()
            : Standardization.none(rows.data().features().size(), fit.outputs());
    double[][] minimum = new double[fit.outputs()][];
    Arrays.setAll(minimum, j -> units.fold(solution.coefficients[j], solution.intercept[j], j));
    objective.setMinimum(minimum);
    if (solution.squared != null) {
      double[][] raw = solution.squared.diagnosis().gradient();
      double[][] gradient = new double[raw.length][];
      Arrays.setAll(gradient, j -> units.foldGradient(raw[j], j));
      objective.setAtMinimum(solution.losses(), gradient);
    }
    return solution;
  }

  /** The model in raw units, with all its digits. */
  LinearModel model() {
    Dataset data = fit.rows().data();
    Standardization units =
        isChanged
            ? Standardization.none(data.features().size(), fit.outputs())
            : fit.rows().standardization();
    return units.unfold(coefficients, intercept, data.features(), data.targets());
  }

  /** True if losses and gradient are known, so that no row is read again. */
  boolean isComplete() {
    return squared != null;
  }

  /** The losses in the units of training. */
  double[] losses() {
    double[] scaled = losses.clone();
    for (int j = 0; isChanged && j < scaled.length; j++) {
      scaled[j] /= fit.loss().unit(fit.rows().standardization(), j);
    }
    return scaled;
  }

  int passes() {
    return passes;
  }

  /** How far it is from the minimum, by its own residuals. */
  Certificate certificate() {
    Standardization units = fit.rows().standardization();
    double[] at = objective.minimum();
    double[] scaled = losses();
    double value = 0;
    double left = 0;
    for (int j = 0; j < scaled.length; j++) {
      double unit = fit.loss().unit(units, j);
      value += unit * (scaled[j] + objective.l2Penalty(at, j)) / scaled.length;
      left += (isChanged ? 1 : unit) * gap[j] / scaled.length;
    }
    double[] gradient = new double[at.length];
    objective.evaluate(at, gradient);
    return new Certificate(
        value,
        Math.sqrt(Arrays.stream(gradient).map(g -> g * g).sum()),
        left + 4 * Math.ulp(1.0) * Math.abs(value),
        basis(),
        squared == null ? Double.NaN : squared.diagnosis().largestCurvature(),
        squared == null ? Double.NaN : squared.diagnosis().smallestCurvature());
  }

  private String basis() {
    String by =
        squared == null
            ? "the dual of the linear program"
            : "the residuals of the rows" + (dependencies.isEmpty() ? " and their triangle" : "");
    return dependencies.isEmpty() ? by : by + Certifier.CUT;
  }

  /** What was found of columns, in words. */
  List<String> dependencies() {
    return dependencies.stream().map(this::sentence).toList();
  }

  private String sentence(ExactSolution.Dependency found) {
    List<String> names = fit.rows().data().features();
    List<String> on = found.on().stream().map(names::get).toList();
    return "feature '%s' is a combination of %s%s as far as rounding tells"
        .formatted(
            names.get(found.column()), Excerpt.of(on), fit.hasIntercept() ? " and a constant" : "");
  }
}
