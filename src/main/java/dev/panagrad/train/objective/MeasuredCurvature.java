package dev.panagrad.train.objective;

import dev.panagrad.backend.Backend;
import dev.panagrad.backend.BackendOptions;
import dev.panagrad.backend.Backends;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.train.rows.RowFit;
import java.util.List;

/** The curvature of one training's loss, measured when it is first asked for. */
public final class MeasuredCurvature implements AutoCloseable {
  private final RowFit fit;
  private final RowsObjective objective; // null where only normalEquations() is asked for
  private Curvature curvature;
  private NormalEquations equations;
  private Coordinates coordinates; // null until they are asked for
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
      equations = fit.rows().normalEquations(host(), fit.arena(), fit.hasIntercept());
    }
    return equations;
  }

  /** The backend, or one in host memory beside a device. */
  Backend host() {
    if (fit.backend().usesHostMemory()) {
      return fit.backend();
    }
    if (host == null) {
      host = Backends.openHost(BackendOptions.defaults());
    }
    return host;
  }

  /** The coordinates in which methods iterate, once rows are placed. */
  public Coordinates coordinates() {
    if (coordinates == null) {
      coordinates = Coordinates.of(objective, fit, this);
    }
    return coordinates;
  }

  /** True where a number is known that the curvature is nowhere above. */
  public boolean isBounded() {
    return objective.isQuadratic()
        || (Double.isFinite(fit.loss().curvatureFactor()) && canBeFormed());
  }

  /** True where what is formed of all rows costs little. */
  boolean canBeFormed() {
    return Curvature.canBeFormed(fit.rows().plan(), fit.rows().trained(), objective.features());
  }

  /** The curvature if it is that of the loss and had for little, or known already; else null. */
  public Curvature forCertificate() {
    boolean isWanted = canBeFormed() && (isCornered() || !fit.rows().isStandardized());
    return !objective.isQuadratic() ? null : isWanted ? get() : curvature;
  }

  /** Round coordinates if the loss has them and they tell more, for little; else null. */
  public Coordinates forCertificateRound() {
    boolean isKnown = curvature != null && curvature.isExact() && curvature.smallest() > 0;
    return objective.isQuadratic() && canBeFormed() && !isCornered() && !isKnown
        ? coordinates()
        : null;
  }

  /**
   * What bounds a loss that is not quadratic, if its curvature is known and had for little; or
   * null.
   */
  public NewtonDecrement decrement() {
    boolean isKnown = !objective.isQuadratic() && fit.loss().loss().reach() > 0;
    return isKnown && canBeFormed()
        ? new NewtonDecrement(fit, objective, host(), this::dependent)
        : null;
  }

  private List<Integer> dependent() {
    coordinates();
    return cut();
  }

  /** Columns that depend on others, as far as it was looked at. */
  public List<Integer> cut() {
    return coordinates == null || coordinates.round() == null
        ? List.of()
        : coordinates.round().cut();
  }

  private boolean isCornered() {
    return objective.penalty().l1() > 0;
  }

  /** Passes over the rows that it took, beside those of the objective. */
  public long formingPasses() {
    long ofEquations = equations == null ? 0 : fit.hasIntercept() ? 2 : 1;
    return ofEquations + (coordinates == null ? 0 : coordinates.passes());
  }

  @Override
  public void close() {
    if (host != null) {
      host.close();
    }
  }
}
