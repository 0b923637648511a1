package dev.panagrad.tune;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.rule.Checks;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.TensorArena;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Runs the learning-rate range test: one training from zero parameters whose rate grows from step
 * to step, until its loss does (Smith 2017, Cyclical learning rates for training neural networks,
 * section 3.3). Here it grows geometrically, as useful rates of different rules are decades apart:
 *
 * <pre>
 *   rate_t = low (high / low)^(t / (steps - 1))          t = 0, ..., steps - 1
 * </pre>
 *
 * Two things are read off the curve: where the loss falls fastest, which is a rate for a training
 * that decays from there, and where it grows.
 *
 * <p>Smith records the losses of batches. Squared errors of heavy-tailed targets differ so much
 * between batches that the curve would show which rows were drawn; so here every loss is taken on
 * the same rows, all of them or an evenly spaced sample.
 *
 * <p>Where the loss grows in the sweep is too late: gradient descent diverges above 2 / L along one
 * direction, but the sweep came through 1 / L before, where that direction is as good as solved,
 * and has to grow out of the rounding. So below that rate, trainings from zero of 50 steps at a
 * constant rate are made, and the interval between a rate that does not double the loss and one
 * that does is halved on a logarithmic scale, until its ends are 5% apart.
 *
 * @param low the lowest rate, above 0
 * @param high the highest, above {@code low}
 * @param steps at least 10
 */
public record RateRangeTest(double low, double high, int steps) {
  private static final double SMOOTHING = 0.5; // an average over two steps, of the same rows
  private static final double USELESS = 2; // times the loss of zero parameters
  private static final int CONSTANT_STEPS = 50;
  private static final double CLOSE = 1.05; // ratio of the rates that are left in the end

  /** Makes a test from 1e-6 to 10 in 150 steps, 11% apart; for data that are standardized. */
  public static RateRangeTest standard() {
    return new RateRangeTest(1e-6, 10, 150);
  }

  public RateRangeTest {
    Checks.positive("lowest learning rate", low);
    Checks.positive("highest learning rate", high);
    if (!(low < high)) {
      throw new IllegalArgumentException(
          "the highest learning rate must be above the lowest, found %s and %s"
              .formatted(low, high));
    }
    if (steps < 10) {
      throw new IllegalArgumentException("a range test needs at least 10 steps, found " + steps);
    }
  }

  double rate(long step) {
    return low * Math.pow(high / low, (double) Math.min(step, steps - 1) / (steps - 1));
  }

  /**
   * Runs it for a rule, whose own rate is not used, on data as they would be trained on, by batches
   * of at most all rows, whose order has that seed.
   *
   * @throws IllegalArgumentException if the loss grows at the lowest rates already, or never falls;
   *     or if the batch does not fit the data
   */
  public RateCurve run(Backend backend, Dataset data, UpdateRule rule, long batch, long seed) {
    Checks.count("batch size", batch);
    if (batch > data.rows()) {
      throw new IllegalArgumentException(
          "batch size %,d is larger than the %,d rows".formatted(batch, data.rows()));
    }
    Setting setting = new Setting(backend, data, batch, seed);
    List<RateCurve.Point> points = new ArrayList<>();
    double doubled = Double.NaN;
    double first;
    try (TensorArena arena = TensorArena.open("range test")) {
      SteppedTraining training =
          setting.training(arena, Optimizer.of(rule).schedule((step, base) -> rate(step)));
      first = training.loss();
      if (!Double.isFinite(first)) {
        throw new IllegalArgumentException(
            "the loss is %s before any step: the data have values that are not finite or too large for %s"
                .formatted(first, data.x().dtype()));
      }
      double average = first;
      for (int step = 0; step < steps && Double.isNaN(doubled); step++) {
        training.step();
        double loss = training.loss();
        average = SMOOTHING * average + (1 - SMOOTHING) * loss;
        points.add(new RateCurve.Point(rate(step), loss, average));
        if (!(average <= USELESS * first)) {
          doubled = rate(step);
        }
      }
    }
    double steepest = steepest(points, first, doubled);
    boolean isDoubled = !Double.isNaN(doubled);
    return new RateCurve(
        points, steepest, isDoubled ? divergence(setting, rule, steepest, doubled) : Double.NaN);
  }

  /** The rows of a test, and how they are visited. */
  private record Setting(Backend backend, Dataset data, long batch, long seed) {
    SteppedTraining training(TensorArena arena, Optimizer.Builder optimizer) {
      return new SteppedTraining(backend, arena, data, optimizer, batch, seed);
    }

    /** True if the loss of a training at the rule's rate doubles within some steps. */
    boolean doubles(UpdateRule rule) {
      try (TensorArena arena = TensorArena.open("constant rate")) {
        SteppedTraining training = training(arena, Optimizer.of(rule));
        double first = training.loss();
        for (int step = 0; step < CONSTANT_STEPS; step++) {
          training.step();
          if (!(training.loss() <= USELESS * first)) {
            return true;
          }
        }
        return false;
      }
    }
  }

  /** A rate between one that may double the loss and one that does, or below both. */
  private double divergence(Setting setting, UpdateRule rule, double steepest, double doubled) {
    double divergence = doubled;
    double harmless = steepest;
    while (harmless > low && setting.doubles(rule.withLearningRate(harmless))) {
      divergence = harmless;
      harmless /= 2;
    }
    while (divergence > CLOSE * harmless) {
      double middle = Math.sqrt(harmless * divergence);
      if (setting.doubles(rule.withLearningRate(middle))) {
        divergence = middle;
      } else {
        harmless = middle;
      }
    }
    return divergence;
  }

  /** Where the loss falls fastest before it is lowest. */
  private double steepest(List<RateCurve.Point> points, double first, double doubled) {
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
          Double.isNaN(doubled)
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
                  doubled,
                  low / 1e3));
    }
    return steepest;
  }
}
