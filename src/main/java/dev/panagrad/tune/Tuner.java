package dev.panagrad.tune;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.DataException;
import dev.panagrad.data.Dataset;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.ColumnException;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Checks;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.DivergenceException;
import dev.panagrad.train.Trainer;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;

/**
 * Chooses learning rate, batch size and schedule for a rule and a number of epochs, on standardized
 * data and with an intercept. A tuner is a reusable description.
 *
 * <pre>
 *   rates        the default, that of the curvature, where the loss falls fastest in a range test,
 *                half and a tenth of where it grows there
 *   batches      the default, the power of two below the noise scale of gradients
 *   schedules    constant, half a cosine to zero
 *
 *   1. each combination is trained for a quarter of the epochs
 *   2. the three best and the default are trained for all of them
 *   3. suggested is the one with the fewest steps among those within 0.01% of the best loss, and not
 *      above the default's
 * </pre>
 *
 * One round of successive halving (Jamieson and Talwalkar 2016), with the default kept to the end.
 * All of it takes as many epochs as six to nine trainings.
 */
public final class Tuner {
  private static final int FEWEST_ROWS = 8; // fewer tell nothing about noise
  private static final MathContext DIGITS = new MathContext(3); // of rates, which have to be typed
  private static final int SHORTER = 4;
  private static final int FINALISTS = 3;
  private static final double AS_GOOD = 1e-4; // part of a loss below which fewer steps are better

  private final UpdateRule rule;
  private RateRangeTest range = RateRangeTest.standard();
  private long epochs = 100;
  private long batch = 32;
  private long seed;

  private Tuner(UpdateRule rule) {
    this.rule = Objects.requireNonNull(rule, "rule");
  }

  /** Tunes that rule, whose own learning rate is the default to compare with. */
  public static Tuner of(UpdateRule rule) {
    return new Tuner(rule);
  }

  /** Sets the epochs of the training that is tuned for, at least 1; 100 if nothing is said. */
  public Tuner epochs(long count) {
    this.epochs = Checks.count("epochs", count);
    return this;
  }

  /**
   * Sets the default's rows per step, at least 1; 32 if nothing is said, and all rows where there
   * are fewer, or the rule is gradient descent.
   */
  public Tuner batchSize(long rows) {
    this.batch = Checks.count("batch size", rows);
    return this;
  }

  /** Sets the seed of the order of rows; 0 if nothing is said. */
  public Tuner seed(long newSeed) {
    this.seed = newSeed;
    return this;
  }

  /** Sets the range test; {@link RateRangeTest#standard} if nothing is said. */
  public Tuner range(RateRangeTest test) {
    this.range = Objects.requireNonNull(test, "range test");
    return this;
  }

  /**
   * Tunes for data in raw units and in host memory, which are copied once.
   *
   * @throws DataException if there are fewer than 8 rows, a value is not finite, a target is
   *     constant, or every candidate diverges
   * @throws IllegalArgumentException if the loss grows at the lowest rate of the range test, or
   *     never falls
   */
  public Tuning tune(Dataset data, Backend backend) {
    requireTunable(data);
    try (TensorArena arena = TensorArena.open("tuning")) {
      return new Session(data, backend, arena).run();
    } catch (ColumnException e) {
      throw e.named(data.x(), data.features(), data.targets());
    }
  }

  private static void requireTunable(Dataset data) {
    if (data.rows() < FEWEST_ROWS) {
      throw new DataException(
          "tuning needs at least %d rows to tell signal from noise, found %,d"
              .formatted(FEWEST_ROWS, data.rows()));
    }
    String found = data.firstNotFinite();
    if (found != null) {
      throw new DataException(found + "; drop the row, or fill in a number");
    }
    for (int c = 0; c < data.targets().size(); c++) {
      double first = data.y().get(0, c);
      int output = c;
      if (LongStream.range(0, data.rows()).allMatch(i -> data.y().get(i, output) == first)) {
        throw new DataException(
            "target '%s' is %s in all %,d rows: an intercept alone fits it, at any learning rate; name another target"
                .formatted(data.targets().get(c), first, data.rows()));
      }
    }
  }

  /** One tuning. */
  private final class Session {
    private final Dataset data;
    private final Backend backend;
    private final Dataset copy;
    private final long rows;

    Session(Dataset data, Backend backend, TensorArena arena) {
      this.data = data;
      this.backend = backend;
      copy = data.copy(arena);
      rows = data.rows();
    }

    private Dataset raw() {
      copy.copyFrom(data);
      return copy;
    }

    /** The copy, standardized as training does it. */
    private Dataset standardized() {
      raw();
      Standardization.fit(data.x(), data.y(), null, rows, true).applyInPlace(copy.x(), copy.y());
      return copy;
    }

    Tuning run() {
      boolean takesFullBatches = rule instanceof GradientDescent;
      long usual = takesFullBatches ? rows : Math.min(batch, rows);
      Conditioning conditioning = Conditioning.of(data, backend);
      RateCurve curve = range.run(backend, standardized(), rule, usual, seed);
      double automatic = automaticRate(usual);
      long epochsLater = Math.max(1, epochs / 10);
      GradientNoiseScale[] noise = noise(usual, automatic, epochsLater);
      long advised = takesFullBatches ? rows : noise[0].advisedBatch(rows);
      List<Candidate> candidates = new ArrayList<>();
      addCandidates(candidates, usual, curve, automatic);
      if (advised != usual) {
        addCandidates(candidates, advised, curve, automaticRate(advised));
      }
      long shortEpochs = Math.ceilDiv(epochs, SHORTER);
      List<Trial> trials = trials(candidates, shortEpochs);
      return new Tuning(
          epochs,
          shortEpochs,
          trials,
          suggested(trials),
          curve,
          automatic,
          noise[0],
          noise[1],
          epochsLater,
          conditioning);
    }

    private void addCandidates(
        List<Candidate> into, long batchSize, RateCurve curve, double automatic) {
      for (boolean decays : new boolean[] {false, true}) {
        add(into, rule.learningRate(), "default", batchSize, decays);
        add(into, rounded(automatic), "curvature", batchSize, decays);
        add(into, rounded(curve.steepest()), "steepest fall", batchSize, decays);
        add(into, rounded(curve.divergence() / 10), "tenth of divergence", batchSize, decays);
        add(into, rounded(curve.divergence() / 2), "half of divergence", batchSize, decays);
      }
    }

    private static void add(
        List<Candidate> into, double rate, String basis, long batch, boolean decays) {
      Candidate candidate = new Candidate(rate, basis, batch, decays);
      boolean isNew = into.stream().noneMatch(candidate::isSameTraining);
      if (isNew && candidate.rate() > 0 && Double.isFinite(candidate.rate())) {
        into.add(candidate);
      }
    }

    /** What a trainer would choose; it is stopped before its first step. NaN if it has none. */
    private double automaticRate(long batchSize) {
      try {
        return trainer(Optimizer.of(rule), batchSize, epochs)
            .automaticRate()
            .stopWhen(() -> true)
            .fit(raw(), backend)
            .learningRate();
      } catch (IllegalArgumentException _) {
        return Double.NaN;
      }
    }

    private GradientNoiseScale[] noise(long batchSize, double automatic, long epochsLater) {
      double rate = Double.isNaN(automatic) ? rule.learningRate() : automatic;
      try (TensorArena arena = TensorArena.open("noise of gradients")) {
        SteppedTraining training =
            new SteppedTraining(
                backend,
                arena,
                standardized(),
                Optimizer.of(rule.withLearningRate(rate)),
                batchSize,
                seed);
        GradientNoiseScale start = training.noise();
        for (long i = 0; i < epochsLater * training.stepsPerEpoch(); i++) {
          training.step();
        }
        GradientNoiseScale later = Double.isFinite(training.loss()) ? training.noise() : null;
        return new GradientNoiseScale[] {start, later};
      }
    }

    private List<Trial> trials(List<Candidate> candidates, long shortEpochs) {
      List<Trial> trials = new ArrayList<>();
      for (Candidate candidate : candidates) {
        trials.add(new Trial(candidate, loss(candidate, shortEpochs), Double.NaN, 0));
      }
      List<Trial> best =
          trials.stream()
              .filter(t -> Double.isFinite(t.shortLoss()))
              .sorted(Comparator.comparingDouble(Trial::shortLoss))
              .limit(FINALISTS)
              .toList();
      for (int i = 0; i < trials.size(); i++) {
        Trial t = trials.get(i);
        if (i == 0 || best.contains(t)) {
          double full = shortEpochs == epochs ? t.shortLoss() : loss(t.candidate(), epochs);
          long steps = Math.multiplyExact(epochs, Math.ceilDiv(rows, t.candidate().batch()));
          trials.set(i, new Trial(t.candidate(), t.shortLoss(), full, steps));
        }
      }
      return trials;
    }

    private double loss(Candidate candidate, long trialEpochs) {
      long steps = Math.multiplyExact(trialEpochs, Math.ceilDiv(rows, candidate.batch()));
      try {
        return trainer(candidate.optimizer(rule, steps), candidate.batch(), trialEpochs)
            .fit(raw(), backend)
            .mse();
      } catch (DivergenceException _) {
        return Double.POSITIVE_INFINITY;
      }
    }

    private Trainer trainer(Optimizer.Builder optimizer, long batchSize, long trialEpochs) {
      Trainer trainer = Trainer.with(optimizer).epochs(trialEpochs).seed(seed).standardizeInPlace();
      return batchSize < rows ? trainer.batchSize(batchSize) : trainer;
    }

    private Trial suggested(List<Trial> trials) {
      List<Trial> finalists = trials.stream().filter(Trial::isFinalist).toList();
      double best = finalists.stream().mapToDouble(Trial::loss).min().orElseThrow();
      if (Double.isInfinite(best)) {
        throw new DataException(
            "all %d candidates diverged, at rates from %.3g to %.3g; begin the range test lower"
                .formatted(
                    trials.size(),
                    trials.stream().mapToDouble(t -> t.candidate().rate()).min().orElseThrow(),
                    trials.stream().mapToDouble(t -> t.candidate().rate()).max().orElseThrow()));
      }
      double acceptable = Math.min(trials.getFirst().loss(), best * (1 + AS_GOOD));
      return finalists.stream()
          .filter(t -> t.loss() <= acceptable)
          .min(Comparator.comparingLong(Trial::steps).thenComparingDouble(Trial::loss))
          .orElseThrow();
    }

    private static double rounded(double rate) {
      return Double.isFinite(rate) ? new BigDecimal(rate).round(DIGITS).doubleValue() : rate;
    }
  }
}
