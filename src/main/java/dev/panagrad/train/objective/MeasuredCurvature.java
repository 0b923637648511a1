package dev.panagrad.train.objective;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.train.rows.RowFit;

/** The curvature of one training's loss, measured when it is first asked for. */
public final class MeasuredCurvature implements AutoCloseable {
  private final RowFit fit;
  private final RowsObjective objective; // null where only normalEquations() is asked for
  private Curvature curvature;
  private NormalEquations equations;
  private Backend host; // beside a device; null until it is needed

  public MeasuredCurvature(RowFit fit, RowsObjective objective) {
    this.fit = fit;
    this.objective = objective;
  }

  public Curvature get() {
    if (curvature == null) {
      NormalEquations formed = canBeFormed() ? normalEquations() : null;
      curvature = new Curvature(objective, formed, fit.loss().curvatureFactor());
    }
    return curvature;
  }

  public NormalEquations normalEquations() {
    if (equations == null) {
      if (!fit.backend().usesHostMemory()) {
        host = Backends.openHost(BackendOptions.defaults());
      }
      equations =
          fit.rows()
              .normalEquations(
                  host == null ? fit.backend() : host, fit.arena(), fit.hasIntercept());
    }
    return equations;
  }

  /** True where a number is known that the curvature is nowhere above. */
  public boolean isBounded() {
    return objective.isQuadratic()
        || (Double.isFinite(fit.loss().curvatureFactor()) && canBeFormed());
  }

  private boolean canBeFormed() {
    return Curvature.canBeFormed(fit.rows().plan(), fit.rows().trained(), objective.features());
  }

  /** The curvature if it is that of the loss and had for little, or known already; else null. */
  public Curvature forCertificate() {
    return !objective.isQuadratic() ? null : canBeFormed() ? get() : curvature;
  }

  /** Passes over the rows that it took, beside those of the objective. */
  public long formingPasses() {
    return equations == null ? 0 : fit.hasIntercept() ? 2 : 1;
  }

  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
  }
}
