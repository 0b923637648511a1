package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.Standardization;
import dev.panagrad.solver.Fista;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One training: its memory, its loop, its bookkeeping. */
final class TrainingSession implements AutoCloseable {
  private final Trainer options;
  private final Dataset data;
  private final Backend backend;
  private final TensorArena arena;
  private final int outputs;
  private final TrainingRows rows;
  private final Standardization standardization;
  private final LinearRegression regression;
  private final Optimizer optimizer;
  private final LossLog losses;
  private final Tensor gradient;
  private final GradientParts parts;
  private final TrainingProgress progress;
  private final boolean isFile;

  /** Null where neither rate nor certificate were asked for. */
  private final RowsObjective objective;

  /** Null for the squared error of rows that all count alike. */
  private final TrainingLoss loss;

  /** Null where the optimizer steps. */
  private final SolverSteps solver;

  private final MeasuredCurvature curvature;
  private final Evaluation evaluation;
  private final BestParameters best;

  /** Null if gradients are not corrected. */
  private final VarianceReduction anchor;

  /** Null if none are written. */
  private final CheckpointWriter checkpoints;

  private LossWatch watch;

  private long started;

  TrainingSession(Trainer options, Dataset data, TrainingFile file, Backend backend) {
    backend.linear().requireOpen();
    this.options = options;
    this.data = data;
    this.backend = backend;
    this.outputs = data.targets().size();
    this.isFile = file != null;
    options.requireConsistent();
    if (TrainingLoss.isAsked(options)) {
      TrainingLoss.requireAccepted(options, data, file, backend);
    }
    CheckpointFolder folder = Resumption.folder(options);
    arena = TensorArena.open("training");
    MeasuredCurvature measured = null;
    try {
      rows =
          options.dataMemory > 0
              ? BlockRows.of(options, file, backend, arena)
              : new InMemoryRows(options, data, file, backend, arena);
      standardization = rows.standardization();
      regression =
          new LinearRegression(
              backend, arena, data.x().dtype(), data.features().size(), outputs, options.intercept);
      loss = TrainingLoss.isAsked(options) ? TrainingLoss.of(options, data, rows, arena) : null;
      if (loss != null) {
        regression.use(loss.rowLoss());
      }
      gradient = regression.gradient().flat();
      parts = new GradientParts(backend, arena, gradient);
      best = new BestParameters(backend, arena, regression.parameters().flat());
      Optimizer.Builder builder = StandardizedPenalty.optimizer(options.optimizer, standardization);
      objective =
          options.automaticRate || options.certify || options.solver != null
              ? new RowsObjective(
                  backend,
                  arena,
                  rows,
                  regression,
                  new LossLog(backend, arena, outputs, true),
                  parts,
                  StandardizedPenalty.objective(builder),
                  loss == null ? null : loss.loss())
              : null;
      measured = new MeasuredCurvature(objective, options, rows, loss, backend, arena);
      curvature = measured;
      if (options.automaticRate) {
        curvature.requireBounded();
        builder = AutomaticRate.choose(builder, curvature.get(), objective, options, rows);
        objective.load(new double[objective.size()]);
      }
      optimizer = builder.build(regression.parameters(), backend, arena);
      solver = options.solver == null ? null : solver();
      boolean isAwaited = optimizer.nonFinite() != NonFinitePolicy.PROPAGATE;
      losses = new LossLog(backend, arena, outputs, isAwaited);
      evaluation = new Evaluation(data, rows, regression, losses, loss, optimizer, backend, arena);
      progress = new TrainingProgress(outputs);
      progress.backend = backendText();
      anchor = options.varianceReduced ? anchor() : null;
      progress.keep(anchor, solver);
      if (folder == null) {
        checkpoints = null;
      } else {
        Map<String, String> identity = identity();
        boolean isResumed =
            options.resume
                && Resumption.resume(folder, identity, progress, optimizer, rows.trained());
        checkpoints = new CheckpointWriter(options.checkpoints, folder, identity, optimizer, arena);
        if (isResumed) {
          checkpoints.resumedAt(steps(), progress.batches);
        }
      }
    } catch (Throwable e) {
      if (measured != null) {
        measured.close();
      }
      arena.close();
      if (folder != null) {
        folder.close();
      }
      throw e;
    }
  }

  private VarianceReduction anchor() {
    LinearRegression there =
        new LinearRegression(
            backend, arena, data.x().dtype(), data.features().size(), outputs, options.intercept);
    if (loss != null) {
      there.use(loss.rowLoss());
    }
    return new VarianceReduction(backend, arena, rows, regression, there);
  }

  private Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>(rows.identity(options));
    identity.put("training.optimizer options", optimizer.options());
    identity.put("training.learning rate", Double.toString(optimizer.rule().learningRate()));
    identity.put("training.schedule", ScheduleProbe.of(optimizer));
    identity.put("training.method", solver == null ? TrainingRows.NONE : options.solver.toString());
    return identity;
  }

  private String backendText() {
    return backend.name() + " (" + backend.detail() + ")";
  }

  TrainingResult run() {
    started = System.nanoTime();
    TrainingRows.TargetSums targets = rows.targetSums();
    watch =
        new LossWatch(
            progress,
            loss == null ? targets.meanSquare() : loss.ofZeros(data, rows),
            data.x().dtype(),
            options.standardize || isFile,
            solver == null);
    if (options.gram) {
      curvature.normalEquations();
    }
    try {
      return result(train(), targets);
    } catch (DivergenceException e) {
      if (best.epoch() == 0) {
        throw e;
      }
      best.restore();
      throw e.with(model(), best.epoch(), best.loss());
    }
  }

  private TrainingResult result(StopReason reason, TrainingRows.TargetSums targets) {
    if (solver != null) {
      solver.finish();
    }
    double seconds = secondsSinceStart();
    if (checkpoints != null) {
      checkpoints.writeLast(steps(), progress, seconds);
    }
    evaluation.takeAverage();
    double validationMse = heldOutLoss(true);
    double[] trained = evaluation.trained();
    watch.requireUseful(Arrays.stream(trained).sum(), progress.epochs, steps(), stepLength(), true);
    Certificate certificate = options.certify ? curvature.certify() : null;
    FitMetrics metrics = evaluation.metrics(trained, targets);
    double mean = evaluation.raw(trained);
    return new TrainingResult(
        model(),
        progress.epochs,
        steps(),
        solver == null ? optimizer.rule().learningRate() : Double.NaN,
        passes(),
        optimizer.skippedSteps(),
        rows.trained(),
        mean,
        loss == null || loss.loss() instanceof Squared ? mean : Double.NaN,
        metrics.values().getOrDefault("R2", Double.NaN),
        metrics.values(),
        metrics.notes(),
        validationMse,
        reason,
        progress.history(),
        seconds,
        backendText(),
        rows.constantFeatures(),
        certificate,
        checkpoints == null ? null : checkpoints.failure());
  }

  private LinearModel model() {
    return standardization
        .unfold(
            onHost(regression.weights()),
            regression.intercept() == null ? null : onHost(regression.intercept()),
            data.features(),
            data.targets())
        .withLoss(TrainingLoss.loss(options));
  }

  private SolverSteps solver() {
    if (options.solver instanceof Fista && curvature.isBounded()) {
      objective.setCurvature(curvature.get());
      objective.load(new double[objective.size()]);
    }
    return new SolverSteps(options.solver, objective, data.x().dtype());
  }

  private long steps() {
    return solver == null ? optimizer.steps() : progress.batches;
  }

  private double stepLength() {
    return solver == null ? optimizer.lastLearningRate() : solver.stepLength();
  }

  private long passes() {
    long each = 1L + (anchor == null ? 0 : VarianceReduction.MORE_PASSES);
    return (options.gram || solver != null ? 0 : each * progress.epochs)
        + (objective == null ? 0 : objective.passes())
        + curvature.formingPasses();
  }

  private StopReason train() {
    List<EpochRecord> before = progress.latest() == null ? List.of() : progress.history();
    options.listeners.forEach(listener -> listener.begins(before));
    StopReason stop = progress.position == 0 ? stopOf(progress.latest()) : null;
    if (progress.epochs > 0) {
      // The order that the last epoch left, in which the final losses are summed.
      rows.begin(progress.epochs - 1);
    }
    while (stop == null && progress.epochs < options.epochs) {
      rows.begin(progress.epochs);
      if (progress.position == 0) {
        best.begins();
      }
      if (!visitRows()) {
        return StopReason.REQUEST;
      }
      EpochRecord record = record();
      progress.ended(record);
      best.ended(record);
      if (options.patience > 0) {
        progress.plateau.watch(record.watchedLoss(), options.lossTolerance);
      }
      RateReduction reduction = options.rateReduction;
      if (reduction != null
          && reduction.isDue(progress.ratePlateau, record.watchedLoss())
          && optimizer.rateFactor() * reduction.factor() >= RateReduction.LEAST) {
        optimizer.scaleRate(reduction.factor());
      }
      stop = stop(record);
      if (isCheckpointDue()) {
        writeCheckpoint();
      }
    }
    return stop == null ? StopReason.EPOCHS : stop;
  }

  /** One epoch, from where it is to its end; false if it was asked to stop before. */
  private boolean visitRows() {
    if (solver != null) {
      return iterate();
    }
    long epoch = progress.epochs + 1;
    if (anchor != null) {
      anchor.begin(progress.position == 0);
    }
    while (progress.position < rows.trained()) {
      if (options.stopWhen.getAsBoolean()) {
        lookAtLosses(epoch);
        return false;
      }
      long first = progress.position;
      long count = Math.min(rows.stepRows(), rows.trained() - first);
      if (!options.gram) {
        computeGradient(first, count, epoch);
      } else {
        regression.computeGradient(curvature.normalEquations(), nextLoss(count));
        lookIfFull(epoch);
      }
      optimizer.step(gradient);
      progress.batches++;
      progress.position = first + count;
      // At the end of an epoch its record comes first, for which the last gradient is needed.
      if (progress.position < rows.trained() && isCheckpointDue()) {
        lookAtLosses(epoch);
        writeCheckpoint();
      }
    }
    lookAtLosses(epoch);
    return true;
  }

  /** The same by a method that looks at all rows. */
  private boolean iterate() {
    if (options.stopWhen.getAsBoolean()) {
      return false;
    }
    solver.iterate();
    progress.batches++;
    double watched = 0;
    for (int j = 0; j < outputs; j++) {
      progress.lossSums[j] = solver.loss(j) * rows.trained();
      watched += solver.loss(j);
    }
    watch.requireUseful(watched, progress.epochs + 1, steps(), solver.stepLength(), false);
    return true;
  }

  /** In as many parts as the rows, or several batches for one step, ask for. */
  private void computeGradient(long first, long count, long epoch) {
    for (long done = 0, n; done < count; done += n) {
      n = Math.min(rows.batchSize(), rows.contiguousFrom(first + done, count - done));
      rows.computeGradient(regression, first + done, n, nextLoss(n));
      lookIfFull(epoch);
      if (anchor != null) {
        anchor.correct(first + done, n);
      }
      parts.add(n, done, count);
    }
  }

  private void lookIfFull(long epoch) {
    if (losses.isFull()) {
      lookAtLosses(epoch);
    }
  }

  private Tensor nextLoss(long count) {
    return losses.next(count, optimizer.steps() + 1, optimizer.lastLearningRate());
  }

  private boolean isCheckpointDue() {
    return checkpoints != null && checkpoints.isDue(steps());
  }

  private void writeCheckpoint() {
    if (solver != null) {
      // What was evaluated last are not the parameters.
      solver.finish();
    }
    checkpoints.write(steps(), progress, secondsSinceStart());
  }

  private EpochRecord record() {
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      total += progress.lossSums[j] / rows.trained() * standardization.lossScale(j);
    }
    if (solver != null && rows.heldOut() > 0) {
      // What was evaluated last are not the parameters.
      solver.finish();
    }
    double norm = options.gradientTolerance > 0 ? backend.linear().norm2(gradient) : Double.NaN;
    return new EpochRecord(
        progress.epochs + 1,
        steps(),
        total / outputs,
        heldOutLoss(false),
        stepLength(),
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
        progress.lossSums[j] += value * losses.rows(batch);
        watched += value;
      }
      watch.requireUseful(watched, epoch, losses.step(batch), losses.rate(batch), false);
    }
  }

  private StopReason stop(EpochRecord record) {
    boolean wantsMore = true;
    for (TrainingListener listener : options.listeners) {
      wantsMore &= listener.epochEnded(record);
    }
    if (!wantsMore) {
      return StopReason.LISTENER;
    }
    StopReason reason = stopOf(record);
    if (reason != null) {
      return reason;
    }
    if (options.maximumTime != null
        && Duration.ofNanos(System.nanoTime() - started).compareTo(options.maximumTime) >= 0) {
      return StopReason.TIME;
    }
    boolean isLast = progress.epochs >= options.epochs;
    return !isLast && options.stopWhen.getAsBoolean() ? StopReason.REQUEST : null;
  }

  /** What the numbers say, whenever they are looked at. */
  private StopReason stopOf(EpochRecord record) {
    if (record == null) {
      return null;
    }
    if (solver != null && solver.reason() != null) {
      return solver.reason();
    }
    if (options.gradientTolerance > 0 && record.gradientNorm() <= options.gradientTolerance) {
      return StopReason.GRADIENT;
    }
    if (options.patience > 0 && progress.plateau.epochsSinceBest() >= options.patience) {
      return StopReason.PATIENCE;
    }
    return null;
  }

  private double heldOutLoss(boolean isAveraged) {
    double loss = evaluation.heldOut(isAveraged);
    if (rows.heldOut() > 0) {
      watch.requireUsefulHeldOut(loss, steps(), stepLength());
    }
    return loss;
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
    return progress.secondsBefore + (System.nanoTime() - started) / 1e9;
  }

  @Override
  public void close() {
    if (checkpoints != null) {
      checkpoints.close();
    }
    curvature.close();
    arena.close();
  }
}
