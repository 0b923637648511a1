package dev.panagrad.train;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.data.RowOrder;
import dev.panagrad.loss.Loss;
import dev.panagrad.loss.Quantile;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.ExactSolution;
import dev.panagrad.regression.NormalEquations;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.solver.Exact;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.tensor.Tensor;
import dev.panagrad.train.checkpoint.CheckpointPlan;
import dev.panagrad.train.objective.Curvature;
import dev.panagrad.train.rows.Fingerprint;
import dev.panagrad.train.rows.LossPlan;
import dev.panagrad.train.rows.RowPlan;
import dev.panagrad.train.rows.RowSource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Holds what a {@link Trainer} was told when a training began. It is immutable, and the one place
 * that knows which options go together, and with which data and backend.
 */
public final class TrainingPlan {
  /** What fits the parameters: a solver or an optimizer, of which the other is null. */
  record Method(Solver solver, Optimizer.Builder optimizer, Penalty penalty) {}

  /** An optimizer's gradients and rate; the reduction is null if the rate is not lowered. */
  record Steps(
      boolean gram, boolean isVarianceReduced, boolean isRateAutomatic, RateReduction reduction) {}

  /** Its checkpoints; the plan is null if there are none. */
  record Saving(CheckpointPlan plan, boolean isResumed) {}

  final Method method;
  final RowPlan rows;
  final LossPlan loss;
  final Steps steps;
  final Fit fit;
  final Ending ending;
  final Saving saving;
  final List<TrainingListener> listeners;

  TrainingPlan(
      Method method,
      RowPlan rows,
      LossPlan loss,
      Steps steps,
      Fit fit,
      Ending ending,
      Saving saving,
      List<TrainingListener> listeners) {
    this.method = method;
    this.rows = rows;
    this.loss = loss;
    this.steps = steps;
    this.fit = fit;
    this.ending = ending;
    this.saving = saving;
    this.listeners = List.copyOf(listeners);
  }

  /** True if the method or its rate looks at all rows before the first step. */
  boolean looksAtAllRows() {
    return method.solver() != null || steps.isRateAutomatic();
  }

  /** True if the minimum is computed, not approached. */
  boolean isExact() {
    return method.solver() instanceof Exact;
  }

  /** Throws a {@link PlanException} if two options, or one to come with the data, conflict. */
  public void requireConsistent(Option... toCome) {
    conflictIf(
        saving.isResumed() && saving.plan() == null,
        Option.RESUME,
        "a training is resumed from its checkpoints, and there is no folder of them",
        "name it with {CHECKPOINTS}");
    conflictIf(
        steps.gram() && rows.memory() > 0,
        Option.GRAM,
        "Gram mode reads all rows at once",
        "train without {DATA_MEMORY}, or without Gram mode");
    conflictIf(
        steps.gram() && !(loss.isLeastSquares() && !Set.of(toCome).contains(Option.OFFSET)),
        Option.GRAM,
        "Gram mode is for the squared loss without offsets",
        "leave out {GRAM}, or loss and offset");
    conflictIf(
        loss.classWeights() != null && !loss.loss().hasClasses(),
        Option.CLASS_WEIGHTS,
        "class weights are for the logistic loss, found loss '%s'".formatted(loss.loss().name()),
        "give weights to the rows instead, or fit that loss");
    if (method.solver() == null) {
      requireConsistentOptimizer();
    } else {
      requireConsistentSolver();
    }
  }

  private boolean isPlain(Set<Option> toCome) {
    return loss.isPlain() && !toCome.contains(Option.WEIGHTS) && !toCome.contains(Option.OFFSET);
  }

  private void requireConsistentOptimizer() {
    UpdateRule rule = method.optimizer().rule();
    conflictIf(
        steps.isVarianceReduced() && !canReduceVariance(rule),
        Option.VARIANCE_REDUCTION,
        "variance reduction is for steps that are proportional to the gradient, found rule '%s'"
            .formatted(rule.name()),
        "use sgd");
    conflictIf(
        steps.isRateAutomatic()
            && method.optimizer().groups().stream().anyMatch(g -> g.rateFactor() != 1),
        Option.AUTOMATIC_RATE,
        "an automatic learning rate is for all parameters alike, found groups with rate factors",
        "give a rate, or no factors");
    Loss ofRows = loss.loss();
    conflictIf(
        steps.isRateAutomatic() && !Double.isFinite(ofRows.curvature()),
        Option.AUTOMATIC_RATE,
        "no learning rate is known for loss '%s' as its curvature has no bound"
            .formatted(ofRows.name()),
        ofRows.isSmooth() ? "give one, or use lbfgs" : "give one, and a schedule that decays");
    refuse(Option.L1, method.optimizer().unsupportedL1Reason(), "leave it out");
    refuse(
        Option.STATE,
        method.optimizer().unsupportedStateReason(DType.F32),
        "keep the state in the type of the parameters");
  }

  /** True for rules whose steps are proportional to the gradient, as variance reduction needs. */
  public static boolean canReduceVariance(UpdateRule rule) {
    return rule instanceof Sgd || rule instanceof GradientDescent;
  }

  private void refuse(Option option, Optional<String> reason, String remedy) {
    if (reason.isPresent()) {
      String name = method.optimizer().rule().name();
      throw PlanException.conflict(
          option, "rule '%s' cannot have it: %s".formatted(name, reason.get()), remedy);
    }
  }

  private void requireConsistentSolver() {
    Loss ofRows = loss.loss();
    boolean isSmooth = ofRows.isSmooth();
    boolean isProgram = isExact() && ofRows instanceof Quantile;
    boolean hasL1 = method.penalty().l1() > 0;
    String byFista = hasL1 ? "use fista" : "use lbfgs or fista";
    solverConflictIf(
        !isProgram && (!isSmooth || (method.solver().needsQuadratic() && !ofRows.isQuadratic())),
        Option.LOSS,
        "needs a loss that is %s, found '%s'"
            .formatted(isSmooth ? "a square" : "smooth", ofRows.name()),
        isSmooth ? byFista : "use sgd or adam with a schedule that decays");
    solverConflictIf(
        isProgram && (hasL1 || method.penalty().l2() > 0),
        hasL1 ? Option.L1 : Option.L2,
        "solves quantiles without a penalty",
        "leave it out, or use adam with a schedule that decays");
    solverConflictIf(
        hasL1 && !method.solver().acceptsL1(),
        Option.L1,
        "needs a gradient everywhere, which an L1 penalty has not",
        "use fista, or no L1 penalty");
    solverConflictIf(
        rows.batchSize() != RowPlan.FULL_BATCH,
        Option.BATCH_SIZE,
        "takes full batches, found batch size %,d".formatted(rows.batchSize()),
        "use a full batch, or an optimizer that steps, such as sgd");
    solverConflictIf(
        ending.gradientTolerance() > 0,
        Option.GRADIENT_TOLERANCE,
        "ends by itself where the gradient is as small as rounding allows",
        "leave out the gradient tolerance");
    solverConflictIf(
        steps.reduction() != null,
        Option.RATE_REDUCTION,
        "has no learning rate that could be lowered",
        "leave it out");
    solverConflictIf(
        steps.isVarianceReduced(),
        Option.VARIANCE_REDUCTION,
        "takes full batches, whose gradient has no noise",
        "use sgd");
    solverConflictIf(
        steps.isRateAutomatic(),
        Option.AUTOMATIC_RATE,
        "has no learning rate, so that none is chosen",
        "leave it out");
    solverConflictIf(steps.gram(), Option.GRAM, "has no Gram mode", "leave it out");
    solverConflictIf(
        isExact() && rows.memory() > 0,
        Option.DATA_MEMORY,
        "reads all rows at once",
        "train without {DATA_MEMORY}, or use cg");
  }

  private void solverConflictIf(boolean isSo, Option option, String reason, String remedy) {
    conflictIf(isSo, option, "method '%s' %s".formatted(method.solver().name(), reason), remedy);
  }

  private static void conflictIf(boolean isSo, Option option, String reason, String remedy) {
    if (isSo) {
      throw PlanException.conflict(option, reason, remedy);
    }
  }

  private static void misfitIf(boolean isSo, Option option, String reason, String remedy) {
    if (isSo) {
      throw PlanException.misfit(option, reason, remedy);
    }
  }

  /** Throws a {@link PlanException} if an option does not fit rows of that type. */
  public void requireFits(DType type) {
    if (method.optimizer() != null) {
      refuse(
          Option.STATE,
          method.optimizer().unsupportedStateReason(type),
          "take {ELEMENT_TYPE} f32 instead of %s, or keep the state in the type of the parameters"
              .formatted(type.name().toLowerCase(Locale.ROOT)));
    }
  }

  /** Throws a {@link PlanException} if an option, or one to come, does not fit a file's rows. */
  public void requireFits(TrainingFile file, Option... toCome) {
    conflictIf(
        fit.isStandardized(),
        Option.STANDARDIZATION,
        file + " cannot be standardized in place",
        "choose its units when it is written");
    conflictIf(
        !isPlain(Set.of(toCome)),
        Option.LOSS,
        "other losses, weights and offsets are for data in memory, found " + file,
        "train on the data that it was written from");
    misfitIf(
        file.isShifted() && !fit.hasIntercept(),
        Option.NO_INTERCEPT,
        file + " has means subtracted, which a model without intercept cannot undo",
        "write it with rows scaled or raw");
  }

  /** Throws a {@link PlanException} if an option does not fit these data or the backend. */
  public void requireFits(Dataset data, Backend backend) {
    requireFits(RowSource.of(data), backend);
  }

  void requireFits(RowSource source, Backend backend) {
    Dataset data = source.data();
    requireFits(data.x().dtype());
    conflictIf(
        rows.memory() > 0 && !source.isFile(),
        Option.DATA_MEMORY,
        "a limit of data in memory is for training files, found data in memory",
        "write them as a training file");
    requireValues(Option.WEIGHTS, "weights", loss.weights(), 0, data);
    if (rows.memory() == 0) {
      requireRows(data);
    }
    if (fit.isStandardized()) {
      for (Tensor values : List.of(data.x(), data.y())) {
        values.requireHost();
        values.requireWritable();
      }
      data.x().requireDisjoint(data.y());
    }
    if (isExact()) {
      ExactSolution.requireSize(data.features().size());
    }
    if (steps.gram()) {
      NormalEquations.requireAccepted(backend, data.features().size(), data.targets().size());
    }
    if (!loss.isPlain()) {
      requireLoss(data, backend);
    }
    if (fit.start() != null) {
      fit.requireStart(data, loss.loss());
    }
  }

  private void requireRows(Dataset data) {
    if (data.rows() < 1) {
      throw new IllegalArgumentException("there are no rows to train on");
    }
    long used = RowOrder.used(data.rows(), loss.weights());
    long heldOut = rows.heldOut(used);
    misfitIf(
        rows.validationFraction() > 0 && (heldOut < 1 || heldOut >= used),
        Option.VALIDATION,
        "validation fraction %s of %,d rows holds out %,d"
            .formatted(rows.validationFraction(), used, heldOut),
        "leave at least one row on each side");
    requireBatches(used - heldOut, data.features().size());
  }

  void requireBatches(long trained, int features) {
    long batch = rows.batchSize();
    misfitIf(
        batch > trained,
        Option.BATCH_SIZE,
        "batch size %,d is larger than the %,d training rows".formatted(batch, trained),
        "use a full batch");
    boolean isFull = rows.hasFullBatches(trained);
    conflictIf(
        steps.gram() && !isFull,
        Option.BATCH_SIZE,
        "Gram mode takes all rows in every step, found batch size %,d of %,d training rows"
            .formatted(batch, trained),
        "use a full batch, or leave out {GRAM}");
    boolean accumulates = rows.batchesPerStep() > 1;
    misfitIf(
        isFull && (accumulates || steps.isVarianceReduced()),
        accumulates ? Option.ACCUMULATE : Option.VARIANCE_REDUCTION,
        "batches of all %,d training rows leave nothing to %s"
            .formatted(trained, accumulates ? "accumulate" : "reduce the variance of"),
        "use smaller ones");
    misfitIf(
        steps.isRateAutomatic()
            && !loss.loss().isQuadratic()
            && !Curvature.canBeFormed(rows, trained, features),
        Option.AUTOMATIC_RATE,
        "no learning rate is known for loss '%s' with so many rows and features"
            .formatted(loss.loss().name()),
        "give one, or use lbfgs");
  }

  private void requireLoss(Dataset data, Backend backend) {
    Loss ofRows = loss.loss();
    misfitIf(
        !backend.linear().supports(ofRows) || !backend.linear().supportsWeights(),
        Option.LOSS,
        "backend '%s' has the unweighted squared loss alone, found loss '%s' or weights"
            .formatted(backend.name(), ofRows.name()),
        "use a backend in host memory");
    misfitIf(
        loss.classWeights() != null && data.targets().size() > 1,
        Option.CLASS_WEIGHTS,
        "class weights are for one target, found %d".formatted(data.targets().size()),
        "train once for each");
    requireValues(Option.OFFSET, "offsets", loss.offset(), Double.NEGATIVE_INFINITY, data);
    for (long i = 0; i < data.rows(); i++) {
      if (!loss.isUsed(i)) {
        continue;
      }
      for (int j = 0; j < data.targets().size(); j++) {
        double value = data.y().get(i, j);
        Optional<String> needed = ofRows.targetRequirement(value);
        if (needed.isPresent()) {
          throw PlanException.misfit(
              Option.LOSS,
              "loss '%s' needs targets that are %s, found %s in row %,d of '%s'"
                  .formatted(ofRows.name(), needed.get(), value, i + 1, data.targets().get(j)),
              "choose another loss or target");
        }
      }
    }
  }

  private void requireValues(
      Option option, String what, Tensor values, double least, Dataset data) {
    if (values == null) {
      return;
    }
    values.requireHost();
    values.requireCount(data.rows());
    boolean isAnyPositive = false;
    for (long i = 0; i < data.rows(); i++) {
      double value = values.get(i);
      boolean isRead = option == Option.WEIGHTS || loss.isUsed(i);
      if (isRead && (!Double.isFinite(value) || value < least)) {
        throw PlanException.misfit(
            option,
            "%s must be finite%s, found %s in row %,d"
                .formatted(what, least == 0 ? " and not negative" : "", value, i + 1),
            "leave out the row");
      }
      isAnyPositive |= value > 0;
    }
    if (least == 0 && !isAnyPositive) {
      throw PlanException.misfit(
          option, "all rows have weight 0: nothing is to be fitted", "give some of them weight");
    }
  }

  /** Options that must be the same for a training to go on where another one stopped. */
  Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>();
    Loss ofRows = loss.loss();
    if (method.solver() == null) {
      identity.put("training.rule", method.optimizer().rule().name());
    } else {
      identity.put("training.method", method.solver().toString());
    }
    identity.put("training.penalty", method.penalty().toString());
    identity.put("training.seed", Long.toString(rows.seed()));
    identity.put("training.intercept", Boolean.toString(fit.hasIntercept()));
    identity.put("training.gram", Boolean.toString(steps.gram()));
    identity.put(
        "training.loss",
        ofRows instanceof Record ? ofRows.toString() : ofRows.getClass().getName());
    identity.put("training.weights", Fingerprint.of(loss.weights()));
    identity.put("training.offset", Fingerprint.of(loss.offset()));
    identity.put("training.class weights", text(loss.classWeights()));
    identity.put("training.batches per step", Long.toString(rows.batchesPerStep()));
    identity.put("training.rate reduction", text(steps.reduction()));
    identity.put("training.variance reduction", Boolean.toString(steps.isVarianceReduced()));
    return identity;
  }

  private static String text(Object option) {
    return option == null ? Fingerprint.NONE : option.toString();
  }
}
