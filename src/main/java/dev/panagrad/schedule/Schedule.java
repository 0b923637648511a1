package dev.panagrad.schedule;

import dev.panagrad.rule.Checks;
import java.util.Objects;

/**
 * Gives the learning rate of each optimizer step, as a pure function of the step and the base rate.
 * Steps count from 0: the first step of a training runs at {@code rate(0, base)}. Every schedule
 * accepts any step; past its end it stays at its last rate.
 */
@FunctionalInterface
public interface Schedule {
  /** Returns the rate of a step, from 0, by the learning rate that the rule was given. */
  double rate(long step, double base);

  static Schedule constant() {
    return (step, base) -> base;
  }

  /** Makes the rate {@code base * gamma^floor(step / stepSize)}. */
  static Schedule step(long stepSize, double gamma) {
    Checks.count("step size", stepSize);
    Checks.positive("gamma", gamma);
    return (step, base) -> base * Math.pow(gamma, Math.floorDiv(step, stepSize) * 1.0);
  }

  /** Makes the rate {@code base * gamma^step}. */
  static Schedule exponential(double gamma) {
    Checks.positive("gamma", gamma);
    return (step, base) -> base * Math.pow(gamma, (double) step);
  }

  /**
   * Makes the rate {@code base / (1 + decay * step)}. The sum over all steps is infinite and that
   * of squares finite, as Robbins and Monro (1951) ask for convergence on noisy gradients.
   */
  static Schedule inverseTime(double decay) {
    Checks.positive("decay", decay);
    return (step, base) -> base / (1 + decay * step);
  }

  /**
   * Makes PyTorch's LinearLR: a line from {@code startFactor * base} at step 0 to {@code endFactor
   * * base} at step {@code length}, and from there on that.
   */
  static Schedule linear(long length, double startFactor, double endFactor) {
    Checks.count("length", length);
    Checks.nonNegative("start factor", startFactor);
    Checks.nonNegative("end factor", endFactor);
    return (step, base) ->
        base
            * (startFactor
                + (endFactor - startFactor) * ((double) Math.min(step, length) / length));
  }

  /**
   * Makes the rate {@code base * (step + 1) / length} until that is the base rate; the first step
   * already moves. Another schedule usually follows: {@code warmup(100).then(cosine(3000, 0))}.
   */
  static Segment warmup(long length) {
    Checks.count("length", length);
    return new Segment(
        length, (step, base) -> base * ((Math.min(step, length - 1) + 1.0) / length));
  }

  /**
   * Makes half a cosine from the base rate at step 0 down to {@code minimum} at step {@code length}
   * (Loshchilov and Hutter 2017, without restarts; PyTorch's CosineAnnealingLR in its period).
   */
  static Schedule cosine(long length, double minimum) {
    Checks.count("length", length);
    Checks.nonNegative("minimum", minimum);
    return (step, base) -> cosineAt((double) Math.min(step, length) / length, base, minimum);
  }

  /**
   * Makes warm restarts: cosines of {@code length}, {@code length * factor}, {@code length *
   * factor^2}, ... steps, each from the base rate to {@code minimum} (Loshchilov and Hutter 2017).
   */
  static Schedule cosineRestarts(long length, double factor, double minimum) {
    Checks.count("length", length);
    Checks.nonNegative("minimum", minimum);
    if (!(factor >= 1 && factor < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("period factor must be in [1, infinity), found " + factor);
    }
    return (step, base) -> {
      double period = length;
      double position = step;
      if (factor == 1) {
        position = step % length;
      } else {
        // The n-th period starts at length * (factor^n - 1) / (factor - 1).
        double n = Math.floor(Math.log1p(step * (factor - 1) / length) / Math.log(factor));
        double start = length * (Math.pow(factor, n) - 1) / (factor - 1);
        period = length * Math.pow(factor, n);
        position = Math.min(Math.max(step - start, 0), period);
      }
      return cosineAt(position / period, base, minimum);
    };
  }

  /** Makes {@code (base - minimum) * (1 - step / length)^power + minimum}, then the minimum. */
  static Schedule polynomial(long length, double power, double minimum) {
    Checks.count("length", length);
    Checks.positive("power", power);
    Checks.nonNegative("minimum", minimum);
    return (step, base) -> {
      double left = 1 - (double) Math.min(step, length) / length;
      return (base - minimum) * Math.pow(left, power) + minimum;
    };
  }

  /**
   * Makes one cycle (Smith and Topin 2019): a cosine rise from {@code base / divisor} to the base
   * rate over the first {@code riseFraction} of {@code length} steps, then a cosine fall to {@code
   * base / (divisor * finalDivisor)}. PyTorch's defaults are 0.3, 25 and 1e4.
   */
  static Schedule oneCycle(long length, double riseFraction, double divisor, double finalDivisor) {
    Checks.count("length", length);
    Checks.fraction("rise fraction", riseFraction);
    Checks.positive("divisor", divisor);
    Checks.positive("final divisor", finalDivisor);
    double rise = riseFraction * length - 1;
    double fall = length - 1 - rise;
    return (step, base) -> {
      double initial = base / divisor;
      if (step <= rise && rise > 0) {
        return cosineAt(step / rise, initial, base);
      }
      double position = fall > 0 ? Math.min((step - Math.max(rise, 0)) / fall, 1) : 1;
      return cosineAt(position, base, initial / finalDivisor);
    };
  }

  private static double cosineAt(double position, double from, double to) {
    return to + (from - to) * (1 + Math.cos(Math.PI * position)) / 2;
  }

  /** A schedule has a length, and another may follow it, counting its own steps from 0. */
  record Segment(long length, Schedule schedule) implements Schedule {
    public Segment {
      Checks.count("length", length);
      Objects.requireNonNull(schedule, "schedule");
    }

    @Override
    public double rate(long step, double base) {
      return Sequence.rate(this, step, base);
    }

    @Override
    public Segment lasting(long newLength) {
      return new Segment(newLength, schedule);
    }

    /** Returns this schedule for its length, then the other. */
    public Schedule then(Schedule next) {
      return new Sequence(this, Objects.requireNonNull(next, "next"));
    }
  }

  /** Returns this schedule for that many steps; {@link Segment#then} says what follows. */
  default Segment lasting(long length) {
    return new Segment(length, this);
  }
}
