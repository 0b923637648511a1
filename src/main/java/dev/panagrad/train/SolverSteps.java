package dev.panagrad.train;

import dev.panagrad.loss.Loss;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.RunState;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.tensor.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A training by a method that looks at all rows in every step: an epoch is an iteration. */
final class SolverSteps {
  /** Gradients of F32 rows are not more exact than this part of their first length. */
  private static final double F32_TOLERANCE = 2e-6;

  private static final double F64_TOLERANCE = 1e-9;

  private static final String PREFIX = "training/method/";
  private static final String PASSES = "progress.passes";

  private final RowsObjective objective;
  private final Solver.Run run;

  /** Whether values are of the last evaluation, which may be beside the parameters. */
  private final boolean isLastEvaluation;

  SolverSteps(Solver solver, RowsObjective objective, DType dtype) {
    this.objective = objective;
    double tolerance = dtype == DType.F32 ? F32_TOLERANCE : F64_TOLERANCE;
    isLastEvaluation = solver instanceof Fista;
    run = solver.start(objective, objective.current(), tolerance);
  }

  /** Throws {@link IllegalArgumentException} if a method is not for what is asked of it. */
  static void requireAccepted(Trainer options) {
    Solver solver = options.solver;
    if (options.optimizer.penalty().l1() > 0 && !solver.acceptsL1()) {
      throw new IllegalArgumentException(
          "method '%s' needs a gradient everywhere, which an L1 penalty has not; use fista, or no L1 penalty"
              .formatted(solver.name()));
    }
    if (options.batchSize != Trainer.FULL_BATCH) {
      throw new IllegalArgumentException(
          "method '%s' takes full batches, found batch size %,d"
              .formatted(solver.name(), options.batchSize));
    }
    Loss loss = TrainingLoss.loss(options);
    if (!loss.isSmooth() || (solver.needsQuadratic() && !loss.isQuadratic())) {
      throw new IllegalArgumentException(
          "method '%s' needs a loss that is %s, found '%s'; use %s"
              .formatted(
                  solver.name(),
                  loss.isSmooth() ? "a square" : "smooth",
                  loss.name(),
                  loss.isSmooth() ? "lbfgs or fista" : "sgd or adam with a schedule that decays"));
    }
    if (options.gradientTolerance > 0) {
      throw new IllegalArgumentException(
          "method '%s' ends by itself where the gradient is as small as rounding allows; leave out the gradient tolerance"
              .formatted(solver.name()));
    }
    if (options.rateReduction != null) {
      throw new IllegalArgumentException(
          "method '%s' has no learning rate that could be lowered".formatted(solver.name()));
    }
    if (options.automaticRate || options.gram) {
      throw new IllegalArgumentException(
          "method '%s' has no %s"
              .formatted(
                  solver.name(),
                  options.gram ? "Gram mode" : "learning rate, so that none is chosen"));
    }
  }

  /** One iteration. */
  void iterate() {
    run.iterate();
  }

  /** The loss of an output at the parameters that were looked at last, without penalty. */
  double loss(int output) {
    if (isLastEvaluation) {
      return objective.loss(output);
    }
    double l2 = objective.penalty().l2();
    return run.value(output) - (l2 > 0 ? objective.l2Penalty(run.parameters(), output) : 0);
  }

  double stepLength() {
    return run.stepLength();
  }

  /** Why it has ended; null if it may go on. */
  StopReason reason() {
    return switch (run.status()) {
      case CONVERGED -> StopReason.CONVERGED;
      case STALLED -> StopReason.ROUNDING;
      case GOING_ON -> null;
    };
  }

  /** Makes the best parameters the regression's. */
  void finish() {
    objective.load(run.parameters());
  }

  // ---- in a checkpoint

  Map<String, String> texts() {
    return Map.of(PASSES, Long.toString(objective.passes()));
  }

  List<Tensor> tensors(TensorArena arena) {
    List<Tensor> tensors = new ArrayList<>();
    RunState.of(run)
        .vectors()
        .forEach((name, vector) -> tensors.add(tensor(arena, PREFIX + name, vector)));
    return tensors;
  }

  private static Tensor tensor(TensorArena arena, String name, double[] vector) {
    Tensor t = arena.allocate(name, DType.F64, vector.length);
    MemorySegment.copy(
        vector, 0, t.segment(), ValueLayout.JAVA_DOUBLE, t.byteOffset(), vector.length);
    return t;
  }

  /** Goes to where a checkpoint was written. */
  void restore(SavedTraining saved) throws IOException {
    Map<String, double[]> vectors = new HashMap<>();
    for (String name : saved.names(PREFIX)) {
      vectors.put(name.substring(PREFIX.length()), saved.tensor(name, -1, 1).toArray());
    }
    try {
      RunState.restore(run, vectors);
    } catch (IllegalArgumentException e) {
      throw new IOException(saved + " does not fit the method: " + e.getMessage(), e);
    }
    objective.resumeAt(saved.count(PASSES));
  }
}
