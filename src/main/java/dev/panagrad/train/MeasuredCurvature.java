package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.tensor.TensorArena;

/** The curvature of one training's loss, measured when it is first asked for. */
final class MeasuredCurvature implements AutoCloseable {
  private final RowsObjective objective;
  private final Trainer options;
  private final TrainingRows rows;
  private final Backend backend;
  private final TensorArena arena;

  /** Null for the squared error of rows that all count alike. */
  private final TrainingLoss loss;

  private Curvature curvature;
  private NormalEquations equations;

  /** Beside a device; null until it is needed. */
  private Backend host;

  /**
   * For a training.
   *
   * @param objective null where only {@link #normalEquations} are asked for
   */
  MeasuredCurvature(
      RowsObjective objective,
      Trainer options,
      TrainingRows rows,
      TrainingLoss loss,
      Backend backend,
      TensorArena arena) {
    this.objective = objective;
    this.options = options;
    this.rows = rows;
    this.loss = loss;
    this.backend = backend;
    this.arena = arena;
  }

  Curvature get() {
    if (curvature == null) {
      double factor = loss == null ? 1 : loss.curvatureFactor();
      curvature = Curvature.of(objective, options, rows, this::normalEquations, factor);
    }
    return curvature;
  }

  /** Of the training rows. */
  NormalEquations normalEquations() {
    if (equations == null) {
      if (!backend.usesHostMemory()) {
        host = Backends.openHost(BackendOptions.defaults());
      }
      equations = rows.normalEquations(host == null ? backend : host, arena, options.intercept);
    }
    return equations;
  }

  /** Of other losses it is that of formed normal equations, times a factor. */
  boolean isBounded() {
    return loss == null
        || (Double.isFinite(loss.curvatureFactor())
            && Curvature.canBeFormed(objective, options, rows));
  }

  /** Throws {@link IllegalArgumentException} if no learning rate can be taken from it. */
  void requireBounded() {
    if (!isBounded()) {
      throw new IllegalArgumentException(
          "no learning rate is known for loss '%s' with so many rows and features; give one, or use lbfgs"
              .formatted(loss.loss().name()));
    }
  }

  /** The certificate of the parameters as they are; one without a bound if numbers overflow. */
  Certificate certify() {
    try {
      return certificate();
    } catch (ArithmeticException | IllegalArgumentException e) {
      return new Certificate(
          Double.NaN, Double.NaN, Double.NaN, e.getMessage(), Double.NaN, Double.NaN);
    }
  }

  private Certificate certificate() {
    boolean isUsed = loss == null;
    if (isUsed && Curvature.canBeFormed(objective, options, rows)) {
      get();
    }
    return new Certifier(objective, rows.standardization(), isUsed ? curvature : null).certify();
  }

  /** Passes over the rows that it took, beside those of the objective. */
  long formingPasses() {
    return equations == null ? 0 : options.intercept ? 2 : 1;
  }

  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
  }
}
