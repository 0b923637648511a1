package dev.panagrad.path;

import dev.panagrad.penalty.Penalty;

/** A path's values are the strength of this penalty: lasso, ridge, or both, by {@link #penalty}. */
public enum PathPenalty {
  L1,
  L2,
  ELASTIC;

  /**
   * Returns the penalty of a value: {@code l1 = value} for the lasso, {@code l2 = value} for ridge;
   * for the elastic net
   *
   * <pre>
   *   l1 = share * value        l2 = (1 - share) * value / 2
   * </pre>
   *
   * as in glmnet and scikit-learn, whose {@code lambda} or {@code alpha} is {@code value / 2}, and
   * {@code alpha} or {@code l1_ratio} the share.
   */
  public Penalty penalty(double value, double share) {
    return switch (this) {
      case L1 -> Penalty.l1(value);
      case L2 -> Penalty.l2(value);
      case ELASTIC -> new Penalty(share * value, (1 - share) * value / 2);
    };
  }
}
