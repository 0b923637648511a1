package dev.panagrad.train.online;

import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.DType;
import dev.panagrad.train.objective.StandardizedPenalty;

/** The options of an online regression, as its builder sets them. */
public final class OnlineSetup {
  public final Optimizer.Builder optimizer;
  public DType dtype = DType.F64;
  public Loss loss; // null: that of the start, or squared
  public boolean hasIntercept = true;
  public Standardization standardization; // null if there is none
  public LinearModel start; // null for zeros
  public long maximumRows = 1;
  public double factor = 1e3; // infinite without a guard
  public long limit = 100;
  public boolean isAutomatic;
  public double forgetting = Double.NaN;

  public OnlineSetup(Optimizer.Builder optimizer) {
    this.optimizer = optimizer;
  }

  public OnlineSetup copy() {
    OnlineSetup copy = new OnlineSetup(optimizer);
    copy.dtype = dtype;
    copy.loss = loss;
    copy.hasIntercept = hasIntercept;
    copy.standardization = standardization;
    copy.start = start;
    copy.maximumRows = maximumRows;
    copy.factor = factor;
    copy.limit = limit;
    copy.isAutomatic = isAutomatic;
    copy.forgetting = forgetting;
    return copy;
  }

  Loss chosenLoss() {
    return loss != null ? loss : start == null ? new Squared() : start.loss();
  }

  Standardization scales(int d, int k) {
    if (standardization == null) {
      return null;
    }
    if (standardization.features() != d || standardization.targets() != k) {
      throw new IllegalArgumentException(
          "the standardization is of %d features and %d targets, the regression has %d and %d"
              .formatted(standardization.features(), standardization.targets(), d, k));
    }
    if (standardization.isShifted() && !hasIntercept) {
      throw new IllegalArgumentException(
          "the standardization subtracts means, which a model without intercept cannot undo; fit it without a shift");
    }
    Standardization own =
        chosenLoss().isQuadratic() ? standardization : standardization.withRawTargets();
    return StandardizedPenalty.scales(own, optimizer.penalty());
  }
}
