package dev.panagrad.cli;

import dev.panagrad.backend.Backend;
import dev.panagrad.data.Dataset;
import dev.panagrad.loss.Loss;
import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.regression.Standardization;
import dev.panagrad.rule.Checks;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.ScheduleText;
import dev.panagrad.train.AutomaticMethod;
import dev.panagrad.train.Trainer;
import dev.panagrad.train.TrainingPlan;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How to train: shared by {@code train} and {@code compare}. */
final class TrainingOptions {
  // Rows per batch where none is asked for: PyTorch tutorials' and Keras' habit, and small enough
  // for small data.
  static final long DEFAULT_BATCH = 32;

  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--learning-rate",
      paramLabel = "R|auto",
      description =
          "Default: 0.1 for gd and adagrad, 0.001 for lion, else 0.01. auto takes it from the curvature of the loss, and lets it decay as half a cosine unless --schedule is given; gd keeps it.")
  private String learningRate;

  @Option(
      names = "--schedule",
      paramLabel = "SPEC",
      description =
          "Learning rate by step, default constant; e.g. exponential:0.999, step:500,0.3, cosine:30e, warmup:100+cosine:3000; the suffix e counts epochs. Also inverse, linear, restarts, polynomial, onecycle.")
  private String schedule;

  @Option(names = "--momentum", paramLabel = "R", description = "sgd and rmsprop; default 0.")
  Double momentum;

  @Option(names = "--dampening", paramLabel = "R", description = "sgd; default 0.")
  Double dampening;

  @Option(names = "--nesterov", description = "sgd, with momentum.")
  boolean nesterov;

  @Option(
      names = "--beta1",
      paramLabel = "R",
      description = "adam, adamw, nadam, lion; default 0.9.")
  Double beta1;

  @Option(
      names = "--beta2",
      paramLabel = "R",
      description = "adam, adamw, nadam; default 0.999. lion; default 0.99.")
  Double beta2;

  @Option(
      names = "--epsilon",
      paramLabel = "R",
      description = "adam, adamw, nadam, rmsprop; default 1e-8. adagrad; default 1e-10.")
  Double epsilon;

  @Option(names = "--alpha", paramLabel = "R", description = "rmsprop; default 0.99.")
  Double alpha;

  @Option(names = "--centered", description = "rmsprop.")
  boolean centered;

  @Option(names = "--amsgrad", description = "adam, adamw.")
  boolean amsgrad;

  @Option(
      names = "--weight-decay",
      paramLabel = "R",
      description =
          "Coupled, decoupled for adamw and lion; default 0, 0.01 for adamw. Not on the intercept.")
  Double weightDecay;

  @Option(
      names = "--state",
      paramLabel = "FORMAT",
      description =
          "How the optimizer keeps its state: same as the data, bf16, or 8bit; both for --dtype f32.")
  private String state = "same";

  @Option(names = "--l1", paramLabel = "R", description = "Adds R |w|_1 to the loss.")
  double l1;

  @Option(names = "--l2", paramLabel = "R", description = "Adds R |w|^2 to the loss.")
  double l2;

  @Option(
      names = "--clip-norm",
      paramLabel = "R",
      description = "Scale gradients to at most this norm.")
  private Double clipNorm;

  @Option(
      names = "--clip-value",
      paramLabel = "R",
      description = "Clamp gradient elements to [-R, R].")
  private Double clipValue;

  @Option(
      names = "--batch-size",
      paramLabel = "N|full",
      description = "Rows per step. Default: full for gd and with --gram, else 32.")
  private String batchSize;

  @Option(
      names = "--accumulate",
      paramLabel = "N",
      description = "One step on the mean gradient of N batches; default 1.")
  private int accumulate = 1;

  @Option(
      names = "--svrg",
      description =
          "sgd: correct each batch's gradient by that of the same rows at the beginning of the epoch, so that a constant rate converges; three passes over the rows per epoch.")
  private boolean svrg;

  @Option(
      names = "--reduce-rate",
      paramLabel = "F,N[,R]",
      description =
          "Multiply the learning rate by F in (0, 1) after N epochs without an improvement by more than the fraction R, default 1e-4; e.g. 0.5,10.")
  private String reduceRate;

  @Option(
      names = "--average",
      paramLabel = "ema:D|mean:N",
      description =
          "Take an average of the parameters of all steps for the model: exponential of decay D, e.g. ema:0.99, or the mean from step N on.")
  private String average;

  @Option(
      names = "--gram",
      description =
          "Full batches from X^T X and X^T y, summed once: a step costs d^2, not n d. Columns that nearly cancel lose digits, and losses before the last are rounded to 1e-16 of the variance.")
  boolean gram;

  @Option(
      names = "--epochs",
      paramLabel = "N",
      description = "At most; default 100, 10,000 for methods that look at all rows.")
  private Long epochs;

  @Option(
      names = "--tolerance",
      paramLabel = "R",
      description =
          "Stop when the loss has not improved by more than this fraction for --patience epochs.")
  private Double tolerance;

  @Option(
      names = "--patience",
      paramLabel = "N",
      description = "Epochs without improvement before stopping; 5 if only --tolerance is given.")
  private Integer patience;

  @Option(
      names = "--validation",
      paramLabel = "FRACTION",
      description = "Hold out this part of the rows.")
  double validation;

  @Option(names = "--no-intercept", description = "A model through the origin.")
  boolean noIntercept;

  @Option(names = "--no-standardize", description = "Train in raw units.")
  boolean noStandardize;

  @Option(names = "--no-shuffle", description = "Visit rows in their order.")
  private boolean noShuffle;

  @Option(names = "--seed", paramLabel = "N", description = "Default ${DEFAULT-VALUE}.")
  long seed;

  @Option(
      names = "--exact",
      description =
          "Compute the exact least squares loss beside a named optimizer, also where it takes long.")
  private boolean exact;

  boolean isRateAutomatic() {
    return "auto".equals(learningRate);
  }

  long trainingRows(long rows) {
    return rows - Math.round(validation * rows);
  }

  ExactLoss exact(Backend backend, Dataset data, Standardization units, double passes) {
    return trainingRows(data.rows()) < data.rows()
        ? ExactLoss.none("rows are held out")
        : ExactLoss.of(
            backend,
            data,
            !noIntercept,
            units,
            exact ? Double.POSITIVE_INFINITY : ExactLoss.besides(data, passes));
  }

  long epochs(MethodName method) {
    long most = method.isSolver() ? AutomaticMethod.MAX_EPOCHS : 100;
    return epochs == null ? most : epochs;
  }

  /** What auto stands for, and why. */
  record Choice(MethodName method, String reason) {}

  private boolean isGiven(String option) {
    return command.commandLine().getParseResult().hasMatchedOption(option);
  }

  /** What was given that has no effect on what a method finds, with commas; empty if nothing. */
  String idle(MethodName method) {
    return String.join(", ", method.idle().stream().filter(this::isGiven).toList());
  }

  /** Options that methods which look at all rows do not have. */
  private List<String> stepwise() {
    List<String> stepwise = new ArrayList<>(MethodName.EXACT.foreign());
    stepwise.addAll(List.of("--accumulate", "--svrg", "--reduce-rate", "--gram"));
    stepwise.removeIf(option -> !isGiven(option));
    if (batchSize != null && !batchSize.equalsIgnoreCase("full")) {
      stepwise.add("--batch-size");
    }
    return stepwise;
  }

  /** Which options end at the minimum by themselves, in words; null if none do. */
  String better(Loss loss, boolean isStreamed) {
    if (AutomaticMethod.of(loss, penalty(), 0, 0).solver() == null) {
      return null;
    }
    String left = isStreamed ? " without --data-memory" : "";
    return "--optimizer auto" + (stepwise().isEmpty() ? left : " without options for steps");
  }

  /** True if the loss is penalized, so that its minimum is one. */
  boolean isPenalized() {
    return l1 > 0 || l2 > 0;
  }

  /** True if that method's minimum is penalized, also by decay of its own. */
  boolean isPenalized(MethodName method) {
    boolean decays = weightDecay == null ? method == MethodName.ADAMW : weightDecay > 0;
    return isPenalized() || decays;
  }

  /** The method for these options; {@code isStreamed} for a training file beyond memory. */
  Choice choose(Loss loss, boolean isStreamed) {
    List<String> stepwise = stepwise();
    if (!stepwise.isEmpty()) {
      requireOfAdam(stepwise);
      return new Choice(MethodName.ADAM, stepwise.getFirst() + " is for optimizers that step");
    }
    if (isStreamed) {
      return new Choice(MethodName.ADAM, "rows are beyond --data-memory");
    }
    AutomaticMethod method = AutomaticMethod.of(loss, penalty(), 0, 0);
    return method.solver() == null
        ? new Choice(MethodName.ADAM, method.reason())
        : new Choice(MethodName.of(method.solver()), method.reason());
  }

  private static void requireOfAdam(List<String> stepwise) {
    List<String> others = stepwise.stream().filter(MethodName.ADAM.foreign()::contains).toList();
    if (!others.isEmpty()) {
      throw new UsageException(
          "%s: --optimizer auto takes adam where options are for steps, and adam does not have that; %s"
              .formatted(String.join(", ", others), MethodName.advice(stepwise)));
    }
  }

  /** The choice, now that sizes are known. */
  Choice choose(Loss loss, Choice before, long rows, int features) {
    if (!before.method().isSolver()) {
      return before;
    }
    AutomaticMethod method = AutomaticMethod.of(loss, penalty(), rows, features);
    return new Choice(MethodName.of(method.solver()), method.reason());
  }

  private Penalty penalty() {
    try {
      return new Penalty(l1, l2);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  /** A trainer, before it is known how many rows there are. */
  final class Preparation {
    private final MethodName method;
    private final Optimizer.Builder optimizer; // null for a solver
    private final Trainer trainer;
    private final Long batch; // rows per batch, Trainer.FULL_BATCH, or null for the default

    /** Checks values, each by itself; if lenient, leaves out options that are not the method's. */
    private Preparation(MethodName method, boolean isLenient) {
      this.method = method;
      boolean hasBatches = !(isLenient && method.takesFullBatches());
      boolean hasSteps = !(isLenient && method.isSolver());
      Penalty penalty = penalty();
      optimizer = method.isSolver() ? null : optimizer(method).penalty(penalty);
      trainer = optimizer == null ? Trainer.with(method.solver, penalty) : Trainer.with(optimizer);
      trainer.epochs(epochs(method)).seed(seed).validation(validation);
      batch = hasBatches ? batch(method) : Long.valueOf(Trainer.FULL_BATCH);
      if (batch != null && batch != Trainer.FULL_BATCH) {
        trainer.batchSize(batch);
      }
      if (hasBatches) {
        trainer.accumulate(accumulate);
      }
      if (svrg
          && (!isLenient || (hasBatches && TrainingPlan.canReduceVariance(optimizer.rule())))) {
        trainer.varianceReduced();
      }
      if (gram && hasSteps) {
        trainer.gram();
      }
      if (isRateAutomatic() && hasSteps) {
        trainer.automaticRate();
      }
      if (tolerance != null || patience != null) {
        trainer.patience(patience == null ? 5 : patience, tolerance == null ? 0 : tolerance);
      }
      if (reduceRate != null && hasSteps) {
        OptionText.reduceRate(trainer, reduceRate);
      }
      if (noIntercept) {
        trainer.withoutIntercept();
      }
      if (noShuffle) {
        trainer.inOrder();
      }
    }

    Trainer trainer() {
      return trainer;
    }

    /** The trainer for that many rows, which are standardized already if they are of a file. */
    Trainer trainer(long rows, boolean isFile) {
      if (isFile && noStandardize) {
        throw new UsageException(
            "--no-standardize: a training file's units are chosen when it is written, by 'panagrad convert --units raw'");
      }
      if (!isFile && !noStandardize) {
        trainer.standardizeInPlace();
      }
      // None left is for the trainer to refuse, which says how many are held out.
      long training = Math.max(1, trainingRows(rows));
      long size = batch == null ? DEFAULT_BATCH : batch;
      if (batch == null && !gram && !method.takesFullBatches() && size < training) {
        trainer.batchSize(size);
      } else if (batch == null || batch == Trainer.FULL_BATCH) {
        size = training;
      }
      if (schedule != null && optimizer != null) {
        double rowsPerStep = Math.min((double) size * accumulate, (double) training);
        optimizer.schedule(ScheduleText.parse(schedule, (long) Math.ceil(training / rowsPerStep)));
      }
      return trainer;
    }
  }

  /** Prepares the trainer of one method; if lenient, without options that it does not have. */
  Preparation prepare(MethodName method, boolean isLenient) {
    List<String> foreign = method.foreign().stream().filter(this::isGiven).toList();
    if (!foreign.isEmpty() && !isLenient) {
      throw new UsageException(
          String.join(", ", foreign) + " does not apply to --optimizer " + method.text());
    }
    try {
      return new Preparation(method, isLenient);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  private Optimizer.Builder optimizer(MethodName method) {
    UpdateRule rule = method.rule(rate(method), this);
    Optimizer.Builder optimizer = Optimizer.of(rule).state(OptionText.stateFormat(state));
    if (schedule != null) {
      optimizer.schedule(ScheduleText.parse(schedule, 1));
    }
    if (clipNorm != null) {
      optimizer.clipNorm(clipNorm);
    }
    if (clipValue != null) {
      optimizer.clipValue(clipValue);
    }
    if (average != null) {
      optimizer.average(OptionText.averaging(average));
    }
    return optimizer;
  }

  private double rate(MethodName method) {
    if (learningRate == null || isRateAutomatic()) {
      return method.learningRate;
    }
    try {
      return Double.parseDouble(learningRate);
    } catch (NumberFormatException e) {
      throw new UsageException(
          "--learning-rate must be a number or 'auto', found '" + learningRate + "'");
    }
  }

  private Long batch(MethodName method) {
    if (batchSize == null) {
      return null;
    }
    if (batchSize.equals("full")) {
      return Trainer.FULL_BATCH;
    }
    long rows;
    try {
      rows = Checks.count("--batch-size", Long.parseLong(batchSize));
    } catch (NumberFormatException e) {
      throw new UsageException(
          "--batch-size must be a number of rows or 'full', found '" + batchSize + "'");
    }
    if (method == MethodName.GD) {
      throw new UsageException(
          "gd takes full batches, all rows in every step, found --batch-size %d; use --optimizer sgd, or --batch-size full"
              .formatted(rows));
    }
    return rows;
  }

  /** The step from which a mean of the parameters is kept; 0 if none is. */
  long firstAveraged() {
    return average == null ? 0 : OptionText.averaging(average).firstStep();
  }
}
