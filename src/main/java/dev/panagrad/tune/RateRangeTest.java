package dev.panagrad.tune;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Accepted;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The learning-rate range test: one training from zero parameters whose rate grows from step to
 * step, until its loss does (Smith 2017, Cyclical learning rates for training neural networks,
 * section 3.3). Here it grows geometrically, as useful rates of different rules are decades apart:
 *
 * <pre>
 *   rate_t = low (high / low)^(t / (steps - 1))          t = 0, ..., steps - 1
 * </pre>
 *
 * Two things are read off the curve: where the loss falls fastest, which is a rate for a training
 * that decays from there, and where it grows beyond use.
 *
 * <p>Smith records the losses of batches. Squared errors of heavy-tailed targets differ so much
 * between batches that the curve would show which rows were drawn; so here every loss is taken on
 * the same rows, all of them or an evenly spaced sample.
 *
 * <p>What it can say is limited. The rates before the steepest have used up part of the fall; and
 * for gradient descent the loss is seen to grow only some steps after the rate has passed 2 / L,
 * beyond which it diverges: with the defaults up to a factor 3 later.
 */
public final class RateRangeTest {
  /** Weight of what was: an average over two steps, as losses are of the same rows. */
  private static final double SMOOTHING = 0.5;

  /** A loss this many times that of zero parameters is of no use. */
  private static final double USELESS = 2;

  private static final double DEFAULT_LOW = 1e-6;
  private static final double DEFAULT_HIGH = 10;
  private static final int DEFAULT_STEPS = 150;

  private final double low;
  private final double high;
  private final int steps;

  private RateRangeTest(double low, double high, int steps) {
    this.low = low;
    this.high = high;
    this.steps = steps;
  }

  /** From 1e-6 to 10 in 150 steps, 11% apart; for data that are standardised. */
  public static RateRangeTest standard() {
    return between(DEFAULT_LOW, DEFAULT_HIGH, DEFAULT_STEPS);
  }

  /**
   * Between those rates.
   *
   * @param low above 0
   * @param high above {@code low}
   * @param steps at least 10
   * @throws IllegalArgumentException if they are not
   */
  public static RateRangeTest between(double low, double high, int steps) {
    Accepted.positive("lowest learning rate", low);
    Accepted.positive("highest learning rate", high);
    if (!(low < high)) {
      throw new IllegalArgumentException(
          "the highest learning rate must be above the lowest, found %s and %s"
              .formatted(low, high));
    }
    if (steps < 10) {
      throw new IllegalArgumentException("a range test needs at least 10 steps, found " + steps);
    }
    return new RateRangeTest(low, high, steps);
  }

  /** The rate of a step, from 0. */
  double rate(long step) {
    return low * Math.pow(high / low, (double) Math.min(step, steps - 1) / (steps - 1));
  }

  /**
   * Runs it.
   *
   * @param data as they would be trained on: standardised, if that is how; not changed
   * @param rule whose own rate is not used
   * @param batch rows per step, at most all of them
   * @param seed of the order of rows
   * @throws IllegalArgumentException if the loss grows at the lowest rates already, or never falls;
   *     or if the batch does not fit the data
   */
  public RateCurve run(Backend backend, Dataset data, UpdateRule rule, long batch, long seed) {
    Accepted.count("batch size", batch);
    if (batch > data.rows()) {
      throw new IllegalArgumentException(
          "batch size %,d is larger than the %,d rows".formatted(batch, data.rows()));
    }
    List<RateCurve.Point> points = new ArrayList<>();
    double divergence = Double.NaN;
    double first;
    try (TensorArena arena = TensorArena.open("range test")) {
      SteppedTraining training =
          new SteppedTraining(
              backend,
              arena,
              data,
              Optimizer.of(rule).schedule((step, base) -> rate(step)),
              batch,
              seed);
      first = training.loss();
      if (!Double.isFinite(first)) {
        throw new IllegalArgumentException(
            "the loss is %s before any step: the data have values that are not finite or too large for %s"
                .formatted(first, data.x().dtype()));
      }
      double average = first;
      for (int step = 0; step < steps && Double.isNaN(divergence); step++) {
        training.step();
        double loss = training.loss();
        average = SMOOTHING * average + (1 - SMOOTHING) * loss;
        points.add(new RateCurve.Point(rate(step), loss, average));
        if (!(average <= USELESS * first)) {
          divergence = rate(step);
        }
      }
    }
    return new RateCurve(points, steepest(points, first, divergence), divergence);
  }

  /** Where the loss falls fastest before it is lowest. */
  private double steepest(List<RateCurve.Point> points, double first, double divergence) {
    double before = first;
    double fall = 0;
    double steepest = Double.NaN;
    for (RateCurve.Point point : points) {
      if (before - point.smoothed() > fall && point.smoothed() < first) {
        fall = before - point.smoothed();
        steepest = point.rate();
      }
      before = point.smoothed();
    }
    if (Double.isNaN(steepest)) {
      throw new IllegalArgumentException(
          Double.isNaN(divergence)
              ? String.format(
                  Locale.ROOT,
                  "the loss is %.4g at zero parameters and falls at no learning rate from %.3g to %.3g: the features say nothing about the targets, or the rates are too low",
                  first,
                  low,
                  high)
              : String.format(
                  Locale.ROOT,
                  "the loss grows at the lowest learning rate, %.3g, already, from %.4g to %.4g at %.3g; begin lower, for example at %.3g",
                  low,
                  first,
                  points.getLast().loss(),
                  divergence,
                  low / 1e3));
    }
    return steepest;
  }
}
