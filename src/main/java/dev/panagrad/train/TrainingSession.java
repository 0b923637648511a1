package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Squared;
import dev.panagrad.regression.LinearModel;
import dev.panagrad.regression.ModelFile;
import dev.panagrad.safetensors.IoReason;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.CheckpointFolder;
import dev.panagrad.train.checkpoint.CheckpointPlan;
import dev.panagrad.train.checkpoint.CheckpointWriter;
import dev.panagrad.train.checkpoint.SavedTraining;
import dev.panagrad.train.rows.Evaluation;
import dev.panagrad.train.rows.FitMetrics;
import dev.panagrad.train.rows.RowSource;
import dev.panagrad.train.rows.TrainingRows;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** One training: its listeners, its stopping rules, its checkpoints and its result. */
final class TrainingSession implements AutoCloseable {
  private static final Logger LOG = System.getLogger(TrainingSession.class.getName());

  private final TrainingPlan plan;
  private final RowSource source;
  private final Backend backend;
  private CheckpointFolder folder; // null until they are made, or if there are none
  private final TensorArena arena = TensorArena.open("training");
  private TrainingRows rows;
  private Workbench bench;
  private EpochLoop loop;
  private Map<String, String> modelTexts = Map.of();
  private TrainingProgress progress;
  private DivergenceWatch watch;
  private Evaluation evaluation;
  private BestParameters best;
  private HeldOutBest heldOutBest;
  private TrainingRows.TargetSums targets;
  private CheckpointWriter checkpoints;
  private final PhaseTimes phases = new PhaseTimes();
  private long started;

  private TrainingSession(TrainingPlan plan, RowSource source, Backend backend) {
    this.plan = plan;
    this.source = source;
    this.backend = backend;
  }

  static TrainingResult run(TrainingPlan plan, RowSource source, Backend backend) {
    backend.linear().requireOpen();
    plan.requireConsistent();
    plan.requireFits(source, backend);
    try (TrainingSession session = new TrainingSession(plan, source, backend)) {
      return session.run();
    }
  }

  private TrainingResult run() {
    started = System.nanoTime();
    if (plan.saving.plan() != null) {
      folder = CheckpointFolder.open(plan.saving.plan().folder(), plan.saving.isResumed());
    }
    rows = TrainingRows.of(plan.rows, source, plan.loss.weights(), arena);
    plan.requireBatches(rows.trained(), source.data().features().size());
    bench = new Workbench(plan, rows, backend, arena);
    loop = plan.method.solver() == null ? new OptimizerLoop(bench) : new SolverLoop(bench);
    begin();
    phases.end("preparation");
    return fit();
  }

  /** Up to the placing of rows everything may be refused, and nothing has changed. */
  private void begin() {
    Map<String, String> identity = new LinkedHashMap<>();
    progress = new TrainingProgress(bench.fit.outputs());
    if (folder != null) {
      identity.putAll(rows.identity());
      identity.putAll(plan.identity());
    }
    try (SavedTraining saved =
        plan.saving.isResumed() ? folder.newest(s -> examine(s, identity)) : null) {
      // Measures of fit read rows where there are offsets.
      boolean isKnown = bench.direct != null && bench.direct.isComplete();
      boolean isRead = !isKnown || !plan.loss.isLeastSquares() || rows.heldOut() > 0;
      rows.place(backend, arena, bench.fit.loss(), isRead);
      targets = rows.targetSums(bench.fit.loss().weights());
      if (plan.loss.isLeastSquares()) {
        // Those of standardized data have unit deviations now.
        targets.varying().stream().forEach(this::requireSquares);
      }
      watch =
          new DivergenceWatch(
              source.data().x().dtype(),
              progress.firstLoss,
              plan.loss.isLeastSquares() ? targets.meanSquare() : bench.fit.loss().ofZeros(rows),
              this::advice);
      loop.begin(progress, watch, saved);
      heldOutBest = new HeldOutBest(bench.fit, plan.fit.keepsBest() && bench.direct == null);
      if (saved != null) {
        heldOutBest.restore(saved);
      }
      if (folder != null) {
        identity.putAll(loop.identity());
        modelTexts = modelTexts();
        identity.putAll(modelTexts);
        CheckpointPlan when = plan.saving.plan();
        checkpoints =
            new CheckpointWriter(when, folder, identity, loop.snapshot(when.inBackground()));
      }
      if (saved != null) {
        checkpoints.resumedAt(loop.steps(), progress.batches);
        if (!backendText().equals(progress.backend)) {
          LOG.log(
              Level.WARNING,
              "the training was on the backend {0} and goes on on {1}, which rounds differently",
              progress.backend,
              backendText());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot resume: " + IoReason.of(e), e);
    }
    progress.backend = backendText();
    best = new BestParameters(bench.fit);
    evaluation = new Evaluation(bench.fit, loop.average());
  }

  private void requireSquares(int target) {
    double squares = targets.squaredDeviations().get(target);
    Workbench.requireSquares(squares / rows.trained(), source.data(), target);
  }

  private void examine(SavedTraining saved, Map<String, String> identity) throws IOException {
    saved.requireSame(identity);
    saved.requireIntactModel();
    loop.examine(saved);
    progress = TrainingProgress.of(saved, bench.fit.outputs(), rows.trained());
  }

  private String backendText() {
    return backend.name() + " (" + backend.detail() + ")";
  }

  private String advice(double rate) {
    String units = plan.fit.isStandardized() || source.isFile() ? "" : "standardize the features";
    if (plan.method.solver() != null) {
      return units.isEmpty() ? "give the target another unit, or add {L2}" : units;
    }
    String lower = String.format(Locale.ROOT, "try {LEARNING_RATE} %.2g", rate / 10);
    return units.isEmpty() ? lower : lower + ", or " + units;
  }

  private TrainingResult fit() {
    try {
      return result(train());
    } catch (DivergenceException e) {
      if (best.epoch() == 0) {
        throw e;
      }
      best.restore();
      throw e.with(model(), best.epoch(), best.loss());
    }
  }

  private StopReason train() {
    List<EpochRecord> before = progress.latest() == null ? List.of() : progress.history();
    plan.listeners.forEach(listener -> listener.begins(before));
    StopReason stop = progress.position == 0 ? stopOf(progress.latest()) : null;
    if (progress.epochs > 0) {
      // The order that the last epoch left, in which the final losses are summed.
      rows.begin(progress.epochs - 1);
    }
    while (stop == null && progress.epochs < plan.ending.epochs()) {
      rows.begin(progress.epochs);
      if (progress.position == 0) {
        best.begins();
      }
      if (!loop.epoch(this::checkpointIfDue)) {
        return request();
      }
      EpochRecord record = record();
      progress.ended(record);
      best.ended(record);
      heldOutBest.ended(record, loop.average());
      if (plan.ending.patience() > 0) {
        progress.plateau.watch(record.watchedLoss(), plan.ending.lossTolerance());
      }
      RateReduction reduction = plan.steps.reduction();
      if (reduction != null && reduction.isDue(progress.ratePlateau, record.watchedLoss())) {
        loop.reduceRate(reduction.factor());
      }
      stop = stop(record);
      checkpointIfDue();
    }
    return stop == null ? StopReason.EPOCHS : stop;
  }

  private EpochRecord record() {
    double total = 0;
    for (int j = 0; j < bench.fit.outputs(); j++) {
      total +=
          progress.lossSums[j] / rows.trained() * bench.fit.loss().unit(rows.standardization(), j);
    }
    if (rows.heldOut() > 0) {
      loop.settle();
    }
    return new EpochRecord(
        progress.epochs + 1,
        loop.steps(),
        total / bench.fit.outputs(),
        heldOutLoss(false),
        loop.stepLength(),
        plan.ending.gradientTolerance() > 0
            ? backend.linear().norm2(bench.fit.regression().gradient().flat())
            : Double.NaN,
        secondsSinceStart());
  }

  private double heldOutLoss(boolean isAveraged) {
    double loss = evaluation.heldOut(isAveraged);
    if (rows.heldOut() > 0) {
      watch.requireUsefulHeldOut(loss, loop.steps(), loop.stepLength());
    }
    return loss;
  }

  private StopReason stop(EpochRecord record) {
    boolean wantsMore = true;
    for (TrainingListener listener : plan.listeners) {
      wantsMore &= listener.epochEnded(record);
    }
    if (!wantsMore) {
      return StopReason.LISTENER;
    }
    StopReason reason = stopOf(record);
    if (reason != null) {
      return reason;
    }
    Duration most = plan.ending.maximumTime();
    if (most != null && Duration.ofNanos(System.nanoTime() - started).compareTo(most) >= 0) {
      return StopReason.TIME;
    }
    boolean isLast = progress.epochs >= plan.ending.epochs();
    return isLast ? null : plan.ending.request();
  }

  /** Why the loop stopped before the end of an epoch; asking again may find another reason. */
  private StopReason request() {
    StopReason now = plan.ending.request();
    return now == null ? StopReason.REQUEST : now;
  }

  private StopReason stopOf(EpochRecord record) {
    if (record == null) {
      return null;
    }
    if (loop.reason() != null) {
      return loop.reason();
    }
    double tolerance = plan.ending.gradientTolerance();
    if (tolerance > 0 && record.gradientNorm() <= tolerance) {
      return StopReason.GRADIENT;
    }
    int patience = plan.ending.patience();
    boolean isOver = patience > 0 && progress.plateau.epochsSinceBest() >= patience;
    return isOver ? StopReason.PATIENCE : null;
  }

  private void checkpointIfDue() {
    if (checkpoints != null && checkpoints.isDue(loop.steps())) {
      loop.settle();
      checkpoints.write(state(), this::tensors);
    }
  }

  private CheckpointWriter.State state() {
    progress.firstLoss = watch.firstLoss();
    Map<String, String> texts = progress.texts(secondsSinceStart());
    texts.putAll(loop.texts());
    heldOutBest.save(texts);
    return new CheckpointWriter.State(loop.steps(), progress.batches, texts);
  }

  private List<Tensor> tensors(TensorArena owner) {
    List<Tensor> tensors = new ArrayList<>(progress.tensors(owner));
    tensors.addAll(loop.tensors(owner));
    tensors.addAll(heldOutBest.tensors(owner));
    if (!modelTexts.isEmpty()) {
      tensors.addAll(ModelFile.tensors(model(), SavedTraining.MODEL, owner));
    }
    return tensors;
  }

  private TrainingResult result(StopReason reason) {
    loop.settle();
    phases.end("training");
    double seconds = secondsSinceStart();
    if (checkpoints != null) {
      checkpoints.writeLast(state(), this::tensors);
      phases.end("last checkpoint");
    }
    evaluation.takeAverage();
    long epoch = heldOutBest.take(progress.epochs);
    double validationLoss = heldOutLoss(true);
    double[] trained = bench.direct == null ? evaluation.trained() : bench.direct.losses();
    watch.requireUseful(
        Arrays.stream(trained).sum(), 0, "after", loop.steps(), progress.epochs, loop.stepLength());
    phases.end("losses");
    Certificate certificate = plan.fit.isCertified() ? certificate() : null;
    phases.end("certificate");
    FitMetrics metrics = evaluation.metrics(trained, targets);
    phases.end("measures of fit");
    double mean = evaluation.raw(trained);
    return new TrainingResult(
        model(),
        progress.epochs,
        epoch,
        loop.steps(),
        loop.learningRate(),
        passes(),
        loop.skippedSteps(),
        rows.trained(),
        mean,
        plan.loss.loss() instanceof Squared ? mean : Double.NaN,
        metrics.values().getOrDefault("R2", Double.NaN),
        metrics.values(),
        metrics.notes(),
        validationLoss,
        reason,
        progress.history(),
        seconds,
        phases.seconds(),
        backendText(),
        rows.constantFeatures(),
        bench.dependencies(),
        certificate,
        checkpoints == null ? null : checkpoints.failure());
  }

  /** What checkpoints say of the model; nothing where files have none like it. */
  private Map<String, String> modelTexts() {
    Dataset data = source.data();
    if (data.features().size() + data.targets().size() > SavedTraining.MOST_COLUMNS) {
      return Map.of();
    }
    try {
      return ModelFile.metadata(model());
    } catch (IllegalArgumentException e) {
      return Map.of(); // a loss of the caller's, which files do not know
    }
  }

  private Certificate certificate() {
    if (bench.direct != null) {
      return bench.direct.certificate();
    }
    try {
      return new Certifier(
              bench.objective,
              rows.standardization(),
              bench.curvature.forCertificate(),
              bench.curvature.forCertificateRound(),
              bench.curvature.decrement())
          .certify();
    } catch (ArithmeticException | IllegalArgumentException e) {
      // Numbers that overflow.
      return new Certificate(
          Double.NaN, Double.NaN, Double.NaN, e.getMessage(), Double.NaN, Double.NaN);
    }
  }

  private LinearModel model() {
    LinearModel fitted =
        bench.direct != null
            ? bench.direct.model()
            : rows.standardization()
                .unfold(
                    bench.fit.onHost(bench.fit.regression().weights()),
                    bench.fit.onHost(bench.fit.regression().intercept()),
                    source.data().features(),
                    source.data().targets());
    return fitted
        .withLoss(plan.loss.loss())
        .withOffset(plan.loss.offset() != null)
        .withEncoding(source.data().encoding());
  }

  private long passes() {
    return loop.passes(progress.epochs)
        + (bench.objective == null ? 0 : bench.objective.passes())
        + (bench.direct == null ? 0 : bench.direct.passes())
        + bench.curvature.formingPasses();
  }

  private double secondsSinceStart() {
    return progress.secondsBefore + (System.nanoTime() - started) / 1e9;
  }

  @Override
  public void close() {
    if (checkpoints != null) {
      checkpoints.close();
    } else if (folder != null) {
      folder.close();
    }
    if (bench != null) {
      bench.close();
    }
    arena.close();
  }
}
