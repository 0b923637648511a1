package dev.panagrad.train;

import dev.panagrad.backend.Gradient;
import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.optimizer.LearningRateException;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import dev.panagrad.train.objective.AutomaticRate;
import dev.panagrad.train.rows.Fingerprint;
import dev.panagrad.train.rows.LossLog;
import dev.panagrad.train.rows.TrainingRows;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Epochs of optimizer steps on batches. */
final class OptimizerLoop implements EpochLoop {
  private static final String RATE = "progress.learning-rate";

  private final Workbench bench;
  private final TrainingPlan plan;
  private final Tensor gradient;
  private final VarianceReduction anchor; // null if gradients are not corrected
  private Optimizer optimizer; // null until its rate is known
  private LossLog losses;
  private TrainingProgress progress;
  private DivergenceWatch watch;

  OptimizerLoop(Workbench bench) {
    this.bench = bench;
    plan = bench.plan;
    gradient = bench.fit.regression().gradient().flat();
    anchor = plan.steps.isVarianceReduced() ? new VarianceReduction(bench.fit) : null;
    if (plan.steps.isRateAutomatic()) {
      // What is refused whatever the rate is, is refused before the data are standardized.
      try (TensorArena trial = TensorArena.open("optimizer on trial")) {
        bench.optimizer.build(bench.fit.regression().parameters(), bench.fit.backend(), trial);
      }
    } else {
      optimizer = build(bench.optimizer);
    }
  }

  private Optimizer build(Optimizer.Builder builder) {
    return builder.build(
        bench.fit.regression().parameters(), bench.fit.backend(), bench.fit.arena());
  }

  private Optimizer build(double rate) {
    long epochs = plan.ending.epochs();
    boolean isStationary = plan.steps.isVarianceReduced();
    return build(
        AutomaticRate.apply(bench.optimizer, rate, bench.fit.rows(), epochs, isStationary));
  }

  @Override
  public Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("training.optimizer options", optimizer.options());
    identity.put(
        "training.learning rate",
        plan.steps.isRateAutomatic()
            ? "automatic for " + plan.ending.epochs() + " epochs"
            : Double.toString(learningRate()));
    identity.put("training.schedule", Fingerprint.ofSchedule(optimizer));
    return identity;
  }

  /** A rate that was chosen is the checkpoint's: another backend could round it differently. */
  @Override
  public void examine(SavedTraining saved) throws IOException {
    if (optimizer == null) {
      optimizer = build(saved.number(RATE));
    }
    saved.requireSame(identity());
    saved.requireFits(optimizer);
    if (anchor != null) {
      anchor.read(saved);
    }
  }

  @Override
  public void begin(TrainingProgress where, DivergenceWatch newWatch, SavedTraining saved)
      throws IOException {
    progress = where;
    watch = newWatch;
    if (optimizer == null) {
      optimizer = build(chosenRate());
    }
    losses = bench.fit.newLossLog(optimizer.nonFinite() != NonFinitePolicy.PROPAGATE);
    if (plan.steps.gram()) {
      bench.curvature.normalEquations();
    }
    if (saved == null) {
      bench.start();
    } else {
      saved.readInto(optimizer);
      if (anchor != null) {
        anchor.restore(anchor.read(saved));
      }
    }
  }

  private double chosenRate() {
    try {
      double rate =
          AutomaticRate.choose(
              bench.optimizer.rule(),
              bench.curvature.get(),
              bench.objective,
              bench.fit.rows(),
              plan.ending.epochs());
      bench.objective.load(new double[bench.objective.size()]);
      return rate;
    } catch (ArithmeticException e) {
      throw bench.notFinite(e);
    }
  }

  @Override
  public boolean epoch(Runnable betweenSteps) {
    long trained = bench.fit.rows().trained();
    if (anchor != null) {
      anchor.begin(progress.position == 0);
    }
    while (progress.position < trained) {
      if (plan.ending.request() != null) {
        settle();
        return false;
      }
      long first = progress.position;
      long count = Math.min(bench.fit.rows().stepRows(), trained - first);
      if (plan.steps.gram()) {
        bench.curvature.normalEquations().gradient(bench.fit.regression().model(), nextLoss(count));
        settleIfFull();
      } else {
        computeGradient(first, count);
      }
      step();
      progress.batches++;
      progress.position = first + count;
      // At the end of an epoch its record comes first, for which the last gradient is needed.
      if (progress.position < trained) {
        betweenSteps.run();
      }
    }
    settle();
    return true;
  }

  private void step() {
    try {
      optimizer.step(gradient);
    } catch (ArithmeticException e) {
      boolean isOfRate = e instanceof LearningRateException;
      if (optimizer.nonFinite() == NonFinitePolicy.THROW && !isOfRate) {
        throw e;
      }
      // A rate that is none, or beyond the type of the parameters.
      throw new DivergenceException(e.getMessage(), optimizer.steps() + 1);
    }
  }

  /** Computes in as many parts as the rows, or several batches for one step, ask for. */
  private void computeGradient(long first, long count) {
    TrainingRows rows = bench.fit.rows();
    for (long done = 0, n; done < count; done += n) {
      n = Math.min(rows.batchSize(), rows.contiguousFrom(first + done, count - done));
      rows.computeGradient(bench.fit.regression(), first + done, n, nextLoss(n));
      settleIfFull();
      if (anchor != null) {
        anchor.correct(first + done, n);
      }
      bench.fit.parts().add(n, done, count);
    }
  }

  private Gradient nextLoss(long count) {
    return losses.next(count, optimizer.steps() + 1, optimizer.lastLearningRate());
  }

  private void settleIfFull() {
    if (losses.isFull()) {
      settle();
    }
  }

  /** Adds the losses since the last look to the epoch's, and ends a training that diverged. */
  @Override
  public void settle() {
    int batches = losses.read();
    for (int batch = 0; batch < batches; batch++) {
      double watched = 0;
      for (int j = 0; j < progress.lossSums.length; j++) {
        double value = losses.loss(batch, j);
        progress.lossSums[j] += value * losses.rows(batch);
        watched += value;
      }
      watch.requireUseful(
          watched, 0, "at", losses.step(batch), progress.epochs + 1, losses.rate(batch));
    }
  }

  @Override
  public long steps() {
    return optimizer.steps();
  }

  @Override
  public double stepLength() {
    return optimizer.lastLearningRate();
  }

  @Override
  public double learningRate() {
    return optimizer.rule().learningRate();
  }

  @Override
  public long skippedSteps() {
    return optimizer.skippedSteps();
  }

  @Override
  public long passes(long epochs) {
    if (plan.steps.gram()) {
      return 0;
    }
    return (anchor == null ? 1 : 1 + VarianceReduction.MORE_PASSES) * epochs;
  }

  @Override
  public void reduceRate(double factor) {
    if (optimizer.rateFactor() * factor >= RateReduction.LEAST) {
      optimizer.scaleRate(factor);
    }
  }

  @Override
  public Tensor average() {
    return optimizer.averaged() == null ? null : optimizer.averaged().flat();
  }

  @Override
  public CheckpointSnapshot snapshot(boolean isCopy) {
    return new CheckpointSnapshot(optimizer, bench.fit.arena(), isCopy);
  }

  @Override
  public Map<String, String> texts() {
    return Map.of(RATE, Double.toHexString(learningRate()));
  }

  @Override
  public List<Tensor> tensors(TensorArena arena) {
    return anchor == null ? List.of() : List.of(anchor.saved(arena));
  }
}
