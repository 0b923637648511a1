package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/** One training: its memory, its loop, its bookkeeping. */
final class TrainingSession implements AutoCloseable {
  private final Trainer options;
  private final Dataset data;
  private final Backend backend;
  private final TensorArena arena;
  private final int outputs;
  private final long rows;
  private final long batchSize;
  private final RowOrder order;
  private final Tensor index;
  private final Standardization standardization;
  private final Tensor x;
  private final Tensor y;
  private final LinearRegression regression;
  private final Optimizer optimizer;
  private final LossLog losses;
  private final DivergenceWatch watch;
  private final Tensor gradient;
  private final List<EpochRecord> history = new ArrayList<>();
  private final double[] lossSums;

  /** In Gram mode, of the training rows; else null. */
  private NormalEquations equations;

  private long historyStride = 1;
  private EpochRecord latest;
  private double targetSquares;
  private double bestLoss = Double.POSITIVE_INFINITY;
  private long epochsSinceBest;
  private long started;

  TrainingSession(Trainer options, Dataset data, Backend backend) {
    backend.linear().requireOpen();
    if (options.standardize) {
      requireStandardizable(data);
    }
    this.options = options;
    this.data = data;
    this.backend = backend;
    this.outputs = data.targets().size();
    this.lossSums = new double[outputs];
    this.watch = new DivergenceWatch(data.x().dtype());
    long heldOut = heldOut();
    rows = data.rows() - heldOut;
    if (options.batchSize > rows) {
      throw new IllegalArgumentException(
          "batch size %,d is larger than the %,d training rows; use a full batch"
              .formatted(options.batchSize, rows));
    }
    batchSize = options.batchSize == Trainer.FULL_BATCH ? rows : options.batchSize;
    if (options.gram) {
      requireGram();
    }
    arena = TensorArena.open("training");
    try {
      boolean shuffled = options.shuffle && batchSize < rows;
      order =
          heldOut > 0 || shuffled ? RowOrder.of(arena, data.rows(), heldOut, options.seed) : null;
      standardization = standardize();
      Backend.Rows placed = backend.placeRows(arena, data.x(), data.y());
      x = placed.x();
      y = placed.y();
      index = order == null ? null : onSideOf(x, order.index());
      regression =
          new LinearRegression(
              backend, arena, data.x().dtype(), data.features().size(), outputs, options.intercept);
      optimizer = optimizer();
      gradient = regression.gradient().flat();
      boolean isAwaited = optimizer.nonFinite() != NonFinitePolicy.PROPAGATE;
      losses = new LossLog(backend, arena, outputs, isAwaited);
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  /** Rows that stay in host memory are gathered there, by row numbers beside them. */
  private Tensor onSideOf(Tensor rows, Tensor numbers) {
    return rows.isHost() ? numbers : backend.place(arena, numbers);
  }

  /** Before the first value changes. */
  private static void requireStandardizable(Dataset data) {
    data.x().requireHost();
    data.y().requireHost();
    data.x().requireWritable();
    data.y().requireWritable();
    data.x().requireDisjoint(data.y());
  }

  /** Before the first value changes, and before anything is allocated. */
  private void requireGram() {
    if (batchSize < rows) {
      throw new IllegalArgumentException(
          "Gram mode computes the gradient of all %,d training rows, found batch size %,d; use a full batch, or no Gram mode"
              .formatted(rows, batchSize));
    }
    NormalEquations.requireAccepted(backend, data.features().size(), outputs);
  }

  private long heldOut() {
    if (data.rows() < 1) {
      throw new IllegalArgumentException("there are no rows to train on");
    }
    if (options.validationFraction == 0) {
      return 0;
    }
    long heldOut = Math.round(options.validationFraction * data.rows());
    if (heldOut < 1 || heldOut >= data.rows()) {
      throw new IllegalArgumentException(
          "validation fraction %s of %,d rows holds out %,d; at least one row must be on each side"
              .formatted(options.validationFraction, data.rows(), heldOut));
    }
    return heldOut;
  }

  private Standardization standardize() {
    if (!options.standardize) {
      return Standardization.none(data.features().size(), outputs);
    }
    Tensor fitted = order == null ? null : order.index();
    Standardization fit = Standardization.fit(data.x(), data.y(), fitted, rows, options.intercept);
    fit = StandardisedPenalty.scales(fit, options.optimizer.penalty());
    fit.applyInPlace(data.x(), data.y());
    return fit;
  }

  private Optimizer optimizer() {
    return StandardisedPenalty.optimizer(options.optimizer, standardization)
        .build(regression.parameters(), backend, arena);
  }

  TrainingResult run() {
    targetSquares = meanSquareOfTargets();
    started = System.nanoTime();
    if (options.gram) {
      equations = NormalEquations.of(backend, arena, x, y, index, 0, rows, options.intercept);
    }
    StopReason reason = StopReason.EPOCHS;
    long epoch = 0;
    while (epoch < options.epochs) {
      if (order != null && batchSize < rows && options.shuffle) {
        order.shuffle(epoch);
        if (index != order.index()) {
          backend.copy(order.index(), index);
        }
      }
      epoch++;
      EpochRecord record = epoch(epoch);
      remember(record);
      StopReason stop = stop(record);
      if (stop != null) {
        reason = stop;
        break;
      }
    }
    double seconds = secondsSinceStart();
    double validationMse = validationLoss();
    double mse = lossOf(0, rows);
    requireUsefulLoss(trainingLoss(), epoch, optimizer.steps(), optimizer.lastLearningRate(), true);
    return new TrainingResult(
        standardization.unfold(
            onHost(regression.weights()),
            regression.intercept() == null ? null : onHost(regression.intercept()),
            data.features(),
            data.targets()),
        epoch,
        optimizer.steps(),
        optimizer.skippedSteps(),
        rows,
        mse,
        r2(),
        validationMse,
        reason,
        history(),
        seconds,
        backend.name() + " (" + backend.detail() + ")",
        IntStream.range(0, data.features().size())
            .filter(standardization::isConstant)
            .mapToObj(data.features()::get)
            .toList());
  }

  /** Of a history at its limit every second record is dropped, and from then on not taken. */
  private void remember(EpochRecord record) {
    latest = record;
    if ((record.epoch() - 1) % historyStride != 0) {
      return;
    }
    history.add(record);
    if (history.size() == TrainingResult.HISTORY_LIMIT) {
      List<EpochRecord> thinned =
          IntStream.range(0, history.size() / 2).mapToObj(i -> history.get(2 * i)).toList();
      history.clear();
      history.addAll(thinned);
      historyStride *= 2;
    }
  }

  private List<EpochRecord> history() {
    if (latest != null && history.getLast().epoch() < latest.epoch()) {
      history.add(latest);
    }
    return history;
  }

  private EpochRecord epoch(long epoch) {
    for (int j = 0; j < outputs; j++) {
      lossSums[j] = 0;
    }
    for (long first = 0; first < rows; first += batchSize) {
      long count = Math.min(batchSize, rows - first);
      Tensor loss = losses.next(count, optimizer.steps() + 1, optimizer.lastLearningRate());
      if (equations == null) {
        regression.computeGradient(x, y, index, first, count, loss);
      } else {
        regression.computeGradient(equations, loss);
      }
      if (losses.isFull()) {
        lookAtLosses(epoch);
      }
      optimizer.step(gradient);
    }
    lookAtLosses(epoch);
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      total += lossSums[j] / rows * standardization.lossScale(j);
    }
    double norm = options.gradientTolerance > 0 ? backend.linear().norm2(gradient) : Double.NaN;
    return new EpochRecord(
        epoch,
        optimizer.steps(),
        total / outputs,
        validationLoss(),
        optimizer.lastLearningRate(),
        norm,
        secondsSinceStart());
  }

  /** Adds the losses since the last look to the epoch's, and ends a training that diverged. */
  private void lookAtLosses(long epoch) {
    int batches = losses.read();
    for (int batch = 0; batch < batches; batch++) {
      double watched = 0;
      for (int j = 0; j < outputs; j++) {
        double value = losses.loss(batch, j);
        lossSums[j] += value * losses.rows(batch);
        watched += value;
      }
      requireUsefulLoss(watched, epoch, losses.step(batch), losses.rate(batch), false);
    }
  }

  /** Computes the losses of these positions, with the parameters as they are: their mean, raw. */
  private double lossOf(long first, long count) {
    Tensor loss = losses.next(count, optimizer.steps(), optimizer.lastLearningRate());
    regression.computeGradient(x, y, index, first, count, loss);
    losses.read();
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      total += losses.loss(0, j) * standardization.lossScale(j);
    }
    return total / outputs;
  }

  /** Sum over outputs of the losses of {@link #lossOf}, in the space of training. */
  private double trainingLoss() {
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      total += losses.loss(0, j);
    }
    return total;
  }

  /** Mean over training rows of the squared targets, summed over outputs: the loss of zeros. */
  private double meanSquareOfTargets() {
    double mean = 0;
    for (long i = 0; i < rows; i++) {
      double squares = 0;
      for (int j = 0; j < outputs; j++) {
        double value = target(i, j);
        squares += value * value;
      }
      mean += (squares - mean) / (i + 1);
    }
    return mean;
  }

  private void requireUsefulLoss(
      double watched, long epoch, long step, double rate, boolean isLast) {
    if (watch.isUseful(watched, targetSquares)) {
      return;
    }
    String when = "%s step %d (epoch %d)".formatted(isLast ? "after" : "at", step, epoch);
    String advice =
        String.format(
            Locale.ROOT,
            "try --learning-rate %.2g%s",
            rate / 10,
            options.standardize ? "" : ", or standardise the features");
    throw watch.failure(when, watched, step, rate, advice);
  }

  private StopReason stop(EpochRecord record) {
    boolean wantsMore = true;
    for (TrainingListener listener : options.listeners) {
      wantsMore &= listener.epochEnded(record);
    }
    if (!wantsMore) {
      return StopReason.LISTENER;
    }
    if (options.gradientTolerance > 0 && record.gradientNorm() <= options.gradientTolerance) {
      return StopReason.GRADIENT;
    }
    if (options.patience > 0) {
      double watched = record.watchedLoss();
      if (watched < bestLoss - options.lossTolerance * Math.abs(bestLoss)
          || bestLoss == Double.POSITIVE_INFINITY) {
        bestLoss = watched;
        epochsSinceBest = 0;
      } else if (++epochsSinceBest >= options.patience) {
        return StopReason.PATIENCE;
      }
    }
    if (options.maximumTime != null
        && Duration.ofNanos(System.nanoTime() - started).compareTo(options.maximumTime) >= 0) {
      return StopReason.TIME;
    }
    return null;
  }

  private double validationLoss() {
    if (order == null || order.heldOutRows() == 0) {
      return Double.NaN;
    }
    double heldOutLoss = lossOf(rows, order.heldOutRows());
    if (!Double.isFinite(heldOutLoss)) {
      throw new DivergenceException(
          "the loss of the held-out rows is %s at step %d, that of the training rows is finite: the held-out rows have values that are not finite or too large for %s"
              .formatted(heldOutLoss, optimizer.steps(), data.x().dtype()),
          optimizer.steps());
    }
    return heldOutLoss;
  }

  /** Mean over targets of 1 - error / variance, from the losses just computed; scales cancel. */
  private double r2() {
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      double mean = 0;
      for (long i = 0; i < rows; i++) {
        mean += (target(i, j) - mean) / (i + 1);
      }
      double squares = 0;
      for (long i = 0; i < rows; i++) {
        double deviation = target(i, j) - mean;
        squares += deviation * deviation;
      }
      total += squares == 0 ? Double.NaN : 1 - losses.loss(0, j) * rows / squares;
    }
    return total / outputs;
  }

  private double target(long position, int output) {
    long row = order == null ? position : order.index().getLong(position);
    return data.y().get(row, output);
  }

  private Tensor onHost(Tensor t) {
    if (t.isHost()) {
      return t;
    }
    Tensor host = arena.allocate(t.name(), t.dtype(), t.shape());
    backend.copy(t, host);
    return host;
  }

  private double secondsSinceStart() {
    return (System.nanoTime() - started) / 1e9;
  }

  @Override
  public void close() {
    arena.close();
  }
}
