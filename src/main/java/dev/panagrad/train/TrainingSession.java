package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Squared;
import dev.panagrad.optimizer.Checkpoint;
import dev.panagrad.optimizer.NonFinitePolicy;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.regression.LinearRegression;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.regression.Standardization;
import dev.panagrad.safetensors.IoReason;
import dev.panagrad.safetensors.SafetensorsException;
import dev.panagrad.solver.Fista;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** One training: its memory, its loop, its bookkeeping. */
final class TrainingSession implements AutoCloseable {
  private static final Logger LOG = System.getLogger(TrainingSession.class.getName());

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

  /** Null until it is needed. */
  private Curvature curvature;

  /** Null if none are written. */
  private final CheckpointWriter checkpoints;

  /** Of the training rows; null until they are needed. */
  private NormalEquations equations;

  private TrainingRows.TargetSums targets;
  private LossWatch watch;

  private long started;

  TrainingSession(Trainer options, Dataset data, TrainingFile file, Backend backend) {
    backend.linear().requireOpen();
    this.options = options;
    this.data = data;
    this.backend = backend;
    this.outputs = data.targets().size();
    this.isFile = file != null;
    if (options.solver != null) {
      SolverSteps.requireAccepted(options);
    }
    if (TrainingLoss.isAsked(options)) {
      TrainingLoss.requireAccepted(options, data, file, backend);
    }
    CheckpointFolder folder = checkpointFolder(options);
    arena = TensorArena.open("training");
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
      Optimizer.Builder builder = StandardisedPenalty.optimizer(options.optimizer, standardization);
      objective =
          options.automaticRate || options.certify || options.solver != null
              ? new RowsObjective(
                  backend,
                  arena,
                  rows,
                  regression,
                  new LossLog(backend, arena, outputs, true),
                  parts,
                  StandardisedPenalty.objective(builder),
                  loss == null ? null : loss.loss())
              : null;
      if (options.automaticRate) {
        requireBoundedCurvature();
        builder = AutomaticRate.choose(builder, curvature(), objective, options, rows);
        objective.load(new double[objective.size()]);
      }
      optimizer = builder.build(regression.parameters(), backend, arena);
      solver = options.solver == null ? null : solver();
      boolean isAwaited = optimizer.nonFinite() != NonFinitePolicy.PROPAGATE;
      losses = new LossLog(backend, arena, outputs, isAwaited);
      if (folder == null) {
        checkpoints = null;
        progress = new TrainingProgress(outputs);
      } else {
        Map<String, String> identity = identity();
        TrainingProgress resumed = options.resume ? resume(folder, identity) : null;
        progress = resumed == null ? new TrainingProgress(outputs) : resumed;
        checkpoints = new CheckpointWriter(options.checkpoints, folder, identity, optimizer, arena);
        if (resumed != null) {
          checkpoints.resumedAt(progress.batches);
        }
      }
    } catch (Throwable e) {
      arena.close();
      if (folder != null) {
        folder.close();
      }
      throw e;
    }
  }

  /** Before the data are standardised in place. */
  private static CheckpointFolder checkpointFolder(Trainer options) {
    if (options.checkpoints == null) {
      return null;
    }
    Path path = options.checkpoints.folder;
    CheckpointFolder folder = null;
    boolean isUsed = false;
    try {
      folder = CheckpointFolder.open(path);
      if (!options.resume && !folder.newestFirst().isEmpty()) {
        throw new IllegalArgumentException(
            "'%s' has checkpoints of a training, which would be mixed with those of this one; resume it, or name another folder"
                .formatted(path));
      }
      isUsed = true;
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException(
          "cannot keep checkpoints in '%s': %s".formatted(path, IoReason.of(e)), e);
    } finally {
      if (folder != null && !isUsed) {
        folder.close();
      }
    }
  }

  private Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>(rows.identity(options));
    identity.put("training.optimizer options", optimizer.options());
    identity.put("training.learning rate", Double.toString(optimizer.rule().learningRate()));
    identity.put("training.schedule", ScheduleProbe.of(optimizer));
    return identity;
  }

  /**
   * Goes to where the newest checkpoint is that is not damaged; null if there is none.
   *
   * @throws UncheckedIOException if it is of another training, or all of them are damaged
   */
  private TrainingProgress resume(CheckpointFolder folder, Map<String, String> identity) {
    IOException damage = null;
    try {
      for (Path file : folder.newestFirst()) {
        try (TensorArena reading = TensorArena.open("resumed training");
            SavedTraining saved = SavedTraining.open(file, reading)) {
          saved.requireSame(identity);
          TrainingProgress found = new TrainingProgress(outputs);
          found.restore(saved);
          if (found.position >= rows.trained()) {
            throw new IOException(
                "checkpoint '%s' is at row %,d of an epoch of %,d"
                    .formatted(file, found.position, rows.trained()));
          }
          Checkpoint.restore(optimizer, file);
          warnOfOtherBackend(saved);
          return found;
        } catch (SafetensorsException e) {
          damage = e;
          LOG.log(
              Level.WARNING,
              "a checkpoint is damaged, the one before it is tried: " + e.getMessage());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot resume: " + IoReason.of(e), e);
    }
    if (damage != null) {
      throw new UncheckedIOException(
          "cannot resume, every checkpoint in '%s' is damaged; the oldest: %s"
              .formatted(folder, damage.getMessage()),
          damage);
    }
    return null;
  }

  private void warnOfOtherBackend(SavedTraining saved) {
    String before = saved.text(TrainingProgress.BACKEND);
    if (!backendText().equals(before)) {
      LOG.log(
          Level.WARNING,
          "the training was on the backend {0} and goes on on {1}, which rounds differently",
          before,
          backendText());
    }
  }

  private String backendText() {
    return backend.name() + " (" + backend.detail() + ")";
  }

  TrainingResult run() {
    started = System.nanoTime();
    progress.backend = backendText();
    targets = rows.targetSums();
    watch =
        new LossWatch(
            progress,
            // No scale is known of other losses.
            loss == null ? targets.meanSquare() : Double.POSITIVE_INFINITY,
            data.x().dtype(),
            options.standardize || isFile);
    if (options.gram) {
      normalEquations();
    }
    StopReason reason = train();
    if (solver != null) {
      solver.finish();
    }
    double seconds = secondsSinceStart();
    if (checkpoints != null) {
      checkpoints.writeLast(optimizer, progress, seconds);
    }
    double validationMse = validationLoss();
    double[] trained = rows.losses(regression, false, losses);
    watch.requireUseful(
        Arrays.stream(trained).sum(),
        progress.epochs,
        optimizer.steps(),
        optimizer.lastLearningRate(),
        true);
    Certificate certificate = options.certify ? certificate() : null;
    Map<String, Double> metrics = metrics(trained);
    return new TrainingResult(
        standardization
            .unfold(
                onHost(regression.weights()),
                regression.intercept() == null ? null : onHost(regression.intercept()),
                data.features(),
                data.targets())
            .withLoss(TrainingLoss.loss(options)),
        progress.epochs,
        steps(),
        solver == null ? optimizer.rule().learningRate() : Double.NaN,
        passes(),
        optimizer.skippedSteps(),
        rows.trained(),
        raw(trained),
        isSquared() ? raw(trained) : Double.NaN,
        metrics.getOrDefault("R2", Double.NaN),
        metrics,
        validationMse,
        reason,
        progress.history(),
        seconds,
        backendText(),
        rows.constantFeatures(),
        certificate,
        checkpoints == null ? null : checkpoints.failure());
  }

  private NormalEquations normalEquations() {
    if (equations == null) {
      equations = rows.normalEquations(arena, options.intercept);
    }
    return equations;
  }

  private boolean isSquared() {
    return loss == null || loss.loss() instanceof Squared;
  }

  private Map<String, Double> metrics(double[] trained) {
    if (loss != null) {
      return loss.metrics().of(regression, data, rows);
    }
    Map<String, Double> metrics = new LinkedHashMap<>();
    metrics.put("R2", r2(trained));
    metrics.put("RMSE", Math.sqrt(raw(trained)));
    return metrics;
  }

  private Curvature curvature() {
    if (curvature == null) {
      double factor = loss == null ? 1 : loss.curvatureFactor();
      curvature = Curvature.of(objective, options, rows, backend, this::normalEquations, factor);
    }
    return curvature;
  }

  private Certificate certificate() {
    if (loss != null) {
      return new Certifier(objective, standardization, null).certify();
    }
    if (Curvature.canBeFormed(objective, options, rows, backend)) {
      curvature();
    }
    return new Certifier(objective, standardization, curvature).certify();
  }

  /** Of other losses it is that of formed normal equations, times a factor. */
  private boolean hasBoundedCurvature() {
    return loss == null
        || (Double.isFinite(loss.curvatureFactor())
            && Curvature.canBeFormed(objective, options, rows, backend));
  }

  private void requireBoundedCurvature() {
    if (!hasBoundedCurvature()) {
      throw new IllegalArgumentException(
          "no learning rate is known for loss '%s' %s; give one, or use lbfgs"
              .formatted(
                  loss.loss().name(),
                  Double.isFinite(loss.curvatureFactor())
                      ? "with so many rows and features"
                      : "as its curvature has no bound"));
    }
  }

  private SolverSteps solver() {
    if (options.solver instanceof Fista && hasBoundedCurvature()) {
      objective.know(curvature());
      objective.load(new double[objective.size()]);
    }
    return new SolverSteps(options.solver, objective, data.x().dtype());
  }

  private long steps() {
    return solver == null ? optimizer.steps() : solver.steps();
  }

  private double stepLength() {
    return solver == null ? optimizer.lastLearningRate() : solver.stepLength();
  }

  private long passes() {
    return (options.gram || solver != null ? 0 : progress.epochs)
        + (objective == null ? 0 : objective.passes())
        + (curvature == null ? 0 : curvature.formingPasses());
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
      if (!visitRows()) {
        return StopReason.REQUEST;
      }
      EpochRecord record = record();
      progress.ended(record);
      if (options.patience > 0) {
        progress.watch(options.lossTolerance);
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
    while (progress.position < rows.trained()) {
      if (options.stopWhen.getAsBoolean()) {
        lookAtLosses(epoch);
        return false;
      }
      long first = progress.position;
      long count = Math.min(rows.batchSize(), rows.trained() - first);
      if (!options.gram) {
        computeGradient(first, count, epoch);
      } else {
        regression.computeGradient(equations, nextLoss(count));
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
    double watched = 0;
    for (int j = 0; j < outputs; j++) {
      progress.lossSums[j] = solver.loss(j) * rows.trained();
      watched += solver.loss(j);
    }
    watch.requireUseful(watched, progress.epochs + 1, solver.steps(), solver.stepLength(), false);
    return true;
  }

  /** In as many parts as the rows ask for. */
  private void computeGradient(long first, long count, long epoch) {
    for (long done = 0, n; done < count; done += n) {
      n = rows.together(first + done, count - done);
      rows.computeGradient(regression, first + done, n, nextLoss(n));
      lookIfFull(epoch);
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
    return checkpoints != null && checkpoints.isDue(optimizer.steps());
  }

  private void writeCheckpoint() {
    checkpoints.write(optimizer, progress, secondsSinceStart());
  }

  private EpochRecord record() {
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      total += progress.lossSums[j] / rows.trained() * standardization.lossScale(j);
    }
    double norm = options.gradientTolerance > 0 ? backend.linear().norm2(gradient) : Double.NaN;
    return new EpochRecord(
        progress.epochs + 1,
        steps(),
        total / outputs,
        validationLoss(),
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

  /** The mean of the outputs' losses, in raw units. */
  private double raw(double[] means) {
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      total += means[j] * standardization.lossScale(j);
    }
    return total / outputs;
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
    if (options.patience > 0 && progress.epochsSinceBest >= options.patience) {
      return StopReason.PATIENCE;
    }
    return null;
  }

  private double validationLoss() {
    if (rows.heldOut() == 0) {
      return Double.NaN;
    }
    double scale = loss == null ? 1 : loss.heldOutScale();
    double heldOutLoss = scale * raw(rows.losses(regression, true, losses));
    watch.requireUsefulHeldOut(heldOutLoss, optimizer.steps());
    return heldOutLoss;
  }

  /** Mean over targets of 1 - error / variance; scales cancel. */
  private double r2(double[] means) {
    double total = 0;
    for (int j = 0; j < outputs; j++) {
      double squares = targets.squaredDeviations().get(j);
      total += squares == 0 ? Double.NaN : 1 - means[j] * rows.trained() / squares;
    }
    return total / outputs;
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
    arena.close();
  }
}
