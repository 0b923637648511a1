package dev.panagrad.train.objective;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.rows.TrainingLoss;
import dev.panagrad.train.rows.TrainingRows;

/** The curvature of one training's loss, measured when it is first asked for. */
public final class MeasuredCurvature implements AutoCloseable {
  private final RowsObjective objective;
  private final TrainingRows rows;
  private final TrainingLoss loss;
  private final boolean hasIntercept;
  private final Backend backend;
  private final TensorArena arena;
  private Curvature curvature;
  private NormalEquations equations;

  /** Beside a device; null until it is needed. */
  private Backend host;

  /**
   * The curvature of a training.
   *
   * @param objective null where only {@link #normalEquations} are asked for
   */
  public MeasuredCurvature(
      RowsObjective objective,
      TrainingRows rows,
      TrainingLoss loss,
      boolean hasIntercept,
      Backend backend,
      TensorArena arena) {
    this.objective = objective;
    this.rows = rows;
    this.loss = loss;
    this.hasIntercept = hasIntercept;
    this.backend = backend;
    this.arena = arena;
  }

  /** The curvature, measured by the first call. */
  public Curvature get() {
    if (curvature == null) {
      curvature = Curvature.of(objective, rows, this::normalEquations, loss.curvatureFactor());
    }
    return curvature;
  }

  /** The normal equations of the training rows. */
  public NormalEquations normalEquations() {
    if (equations == null) {
      if (!backend.usesHostMemory()) {
        host = Backends.openHost(BackendOptions.defaults());
      }
      equations = rows.normalEquations(host == null ? backend : host, arena, hasIntercept);
    }
    return equations;
  }

  /** True where a number is known that the curvature is nowhere above. */
  public boolean isBounded() {
    return loss.isPlain() || (Double.isFinite(loss.curvatureFactor()) && canBeFormed());
  }

  private boolean canBeFormed() {
    return Curvature.canBeFormed(rows.plan(), rows.trained(), objective.features());
  }

  /** What is known of the parameters as they are; no gap if numbers overflow. */
  public Certified certify() {
    try {
      if (loss.isPlain() && canBeFormed()) {
        get();
      }
      return new Certifier(objective, rows.standardization(), loss.isPlain() ? curvature : null)
          .certify();
    } catch (ArithmeticException | IllegalArgumentException e) {
      return new Certified(
          Double.NaN, Double.NaN, Double.NaN, e.getMessage(), Double.NaN, Double.NaN);
    }
  }

  /** Passes over the rows that it took, beside those of the objective. */
  public long formingPasses() {
    return equations == null ? 0 : hasIntercept ? 2 : 1;
  }

  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
  }
}
