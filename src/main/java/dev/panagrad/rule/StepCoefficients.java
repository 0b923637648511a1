package dev.panagrad.rule;

import dev.panagrad.tensor.DType;

/**
 * Holds the numbers of one optimizer step, computed once per step in double precision. It is
 * mutable, so that a step allocates nothing; optimizer and rule write it, kernels read it. The
 * named fields mean the same for every rule.
 */
public final class StepCoefficients {
  public static final int OWN = 8;

  /** Numbers the step, from 1; state in a compact format is rounded by it. */
  public long step = 1;

  /** Multiplies the raw gradient: -1 to maximize, times the factor that clips the global norm. */
  public double gradientScale = 1;

  /** Bounds each element of the scaled gradient, on both sides; infinite for no clipping. */
  public double clipValue = Double.POSITIVE_INFINITY;

  /** The gradient gets this multiple of the parameter: coupled decay plus twice the L2 penalty. */
  public double coupledDecay;

  /** Multiplies the parameter before it moves: 1 - rate * decay if decay is decoupled, else 1. */
  public double shrink = 1;

  /** Holds the L1 penalty times the rule's step size, before any scaling by coordinate. */
  public double l1Step;

  /** Parameters, gradients and state have this element type. */
  public final DType dtype;

  /** Holds the rule's own numbers; the rule names their indices. */
  public final double[] own = new double[OWN];

  final Powers beta1Powers = new Powers(); // for the bias corrections of Adam and NAdam
  final Powers beta2Powers = new Powers();

  /** Starts neutral: nothing is clipped, decayed or penalized. */
  public StepCoefficients(DType dtype) {
    this.dtype = dtype;
  }

  /** Returns the gradient that the rule sees: signed, scaled, clamped, with coupled decay. */
  public double gradient(double p, double g) {
    g *= gradientScale;
    if (g > clipValue) {
      g = clipValue;
    } else if (g < -clipValue) {
      g = -clipValue;
    }
    return coupledDecay == 0 ? g : g + coupledDecay * p;
  }

  /** Rounds state as it is kept, and used: to the element type, and zero instead of subnormal. */
  public double stored(double s) {
    double rounded = dtype == DType.F32 ? (float) s : s;
    return Math.abs(rounded) < dtype.minNormal() ? 0 : rounded;
  }

  /**
   * Applies the proximal map of {@code threshold * |p|}: moves {@code p} towards zero by the
   * threshold and stops there (Parikh and Boyd, Proximal Algorithms, 2014, section 6.5.2).
   */
  public static double softThreshold(double p, double threshold) {
    if (threshold == 0 || Double.isNaN(p)) {
      return p;
    }
    double magnitude = Math.abs(p) - threshold;
    return magnitude > 0 ? Math.copySign(magnitude, p) : 0;
  }
}
