package dev.panagrad.train;

import dev.panagrad.optimizer.CheckpointSnapshot;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.RunState;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import dev.panagrad.train.checkpoint.SavedTraining;
import dev.panagrad.train.objective.Coordinates;
import dev.panagrad.train.objective.RowsObjective;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Epochs that are iterations of a method that looks at all rows in every step. */
final class SolverLoop implements EpochLoop {
  private static final double F32_TOLERANCE = 2e-6; // what F32 gradients are exact to
  private static final double F64_TOLERANCE = 1e-9;
  private static final double LONG = 1e-2; // of the logarithm of odds or counts
  private static final String PREFIX = "training/method/";
  private static final String PASSES = "progress.passes";

  private final Workbench bench;
  private final Solver solver;
  private final RowsObjective objective;
  private final boolean isLastEvaluation; // FISTA's loss is of its extrapolated point
  private TrainingProgress progress;
  private DivergenceWatch watch;
  private Coordinates coordinates; // what a run iterates in
  private Solver.Run run;

  SolverLoop(Workbench bench) {
    this.bench = bench;
    solver = bench.plan.method.solver();
    objective = bench.objective;
    isLastEvaluation = solver instanceof Fista;
  }

  private Solver.Run start(double[] initial) {
    DType dtype = bench.fit.rows().data().x().dtype();
    double tolerance = dtype == DType.F32 ? F32_TOLERANCE : F64_TOLERANCE;
    return solver instanceof Exact
        ? solver.start(objective, initial, tolerance)
        : solver.start(coordinates, coordinates.fromRows(initial), tolerance);
  }

  /** Zeros, and the best intercept beside them. */
  private double[] initial() {
    if (bench.plan.fit.start() != null) {
      bench.start();
      return objective.current();
    }
    double[] initial = objective.current();
    double[] intercepts = bench.fit.loss().constants(bench.fit.rows());
    for (int j = 0; objective.hasIntercept() && j < intercepts.length; j++) {
      initial[objective.groups() * objective.features() + j] = intercepts[j];
    }
    return initial;
  }

  /** The run's point as parameters of the rows. */
  private double[] parameters() {
    return solver instanceof Exact ? run.parameters() : coordinates.toRows(run.parameters());
  }

  /** Restores a run on trial, as the rows are not there yet. */
  @Override
  public void examine(SavedTraining saved) throws IOException {
    saved.requireFits(bench.fit.regression().parameters());
    saved.count(PASSES);
    coordinates = Coordinates.plain(objective);
    restore(start(objective.current()), saved);
  }

  private static void restore(Solver.Run run, SavedTraining saved) throws IOException {
    Map<String, double[]> vectors = new HashMap<>();
    for (String name : saved.names(PREFIX)) {
      vectors.put(name.substring(PREFIX.length()), saved.vector(name));
    }
    try {
      RunState.restore(run, vectors);
    } catch (IllegalArgumentException e) {
      throw new IOException(saved + " does not fit the method: " + e.getMessage(), e);
    }
  }

  @Override
  public void begin(TrainingProgress where, DivergenceWatch newWatch, SavedTraining saved)
      throws IOException {
    progress = where;
    watch = newWatch;
    try {
      boolean hasCorners = objective.penalty().l1() > 0;
      if (hasCorners && bench.fit.rows().isStandardized() && bench.curvature.isBounded()) {
        objective.setCurvature(bench.curvature.get());
        objective.load(new double[objective.size()]);
      }
      coordinates =
          solver instanceof Exact ? Coordinates.plain(objective) : bench.curvature.coordinates();
      run = start(saved == null ? initial() : objective.current());
    } catch (ArithmeticException | IllegalArgumentException e) {
      throw bench.notFinite(e);
    }
    if (saved != null) {
      restore(run, saved);
      objective.resumeAt(saved.count(PASSES));
    }
  }

  @Override
  public boolean epoch(Runnable betweenSteps) {
    if (bench.plan.ending.request() != null) {
      return false;
    }
    try {
      run.iterate();
    } catch (ArithmeticException e) {
      throw bench.notFinite(e);
    }
    progress.batches++;
    double watched = 0;
    for (int j = 0; j < progress.lossSums.length; j++) {
      double loss = loss(j);
      progress.lossSums[j] = loss * bench.fit.rows().trained();
      watched += loss;
    }
    watch.requireUseful(watched, 0, "at", steps(), progress.epochs + 1, Double.NaN);
    return true;
  }

  /** The loss of an output at the parameters that were looked at last, without penalty. */
  private double loss(int output) {
    return isLastEvaluation
        ? objective.loss(output)
        : run.value(output) - objective.l2Penalty(parameters(), output);
  }

  /** The solver's last evaluation may have been at a trial point. */
  @Override
  public void settle() {
    objective.load(parameters());
  }

  @Override
  public long steps() {
    return progress.batches;
  }

  @Override
  public double stepLength() {
    return run.stepLength();
  }

  @Override
  public StopReason reason() {
    return switch (run.status()) {
      case CONVERGED -> isUnbounded() ? StopReason.UNBOUNDED : StopReason.CONVERGED;
      case STALLED -> StopReason.ROUNDING;
      case GOING_ON -> null;
    };
  }

  /** A step in round coordinates that changes what links see, and gains nothing. */
  private boolean isUnbounded() {
    return bench.fit.loss().loss().hasLink() && run.reach() > LONG;
  }

  @Override
  public CheckpointSnapshot snapshot(boolean isCopy) {
    return new CheckpointSnapshot(
        bench.fit.regression().parameters(), bench.fit.backend(), bench.fit.arena(), isCopy);
  }

  @Override
  public Map<String, String> texts() {
    return Map.of(PASSES, Long.toString(objective.passes()));
  }

  @Override
  public List<Tensor> tensors(TensorArena arena) {
    List<Tensor> tensors = new ArrayList<>();
    RunState.of(run)
        .vectors()
        .forEach(
            (name, vector) ->
                tensors.add(
                    arena.allocate(PREFIX + name, DType.F64, vector.length).copyFrom(vector)));
    return tensors;
  }
}
