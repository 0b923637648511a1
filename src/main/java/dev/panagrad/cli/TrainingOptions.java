package dev.panagrad.cli;

import dev.panagrad.optimizer.Optimizer;
import dev.panagrad.penalty.Penalty;
import dev.panagrad.rule.Adagrad;
import dev.panagrad.rule.Adam;
import dev.panagrad.rule.Checks;
import dev.panagrad.rule.GradientDescent;
import dev.panagrad.rule.Lion;
import dev.panagrad.rule.NAdam;
import dev.panagrad.rule.RmsProp;
import dev.panagrad.rule.Sgd;
import dev.panagrad.rule.StateFormat;
import dev.panagrad.rule.UpdateRule;
import dev.panagrad.schedule.ScheduleText;
import dev.panagrad.solver.ConjugateGradient;
import dev.panagrad.solver.Fista;
import dev.panagrad.solver.Lbfgs;
import dev.panagrad.solver.Solver;
import dev.panagrad.tensor.DType;
import dev.panagrad.train.Trainer;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How to train: shared by {@code train} and {@code compare}. */
final class TrainingOptions {
  /**
   * Rows per batch where none is asked for: PyTorch tutorials' and Keras' habit, and small enough
   * for small data.
   */
  private static final long DEFAULT_BATCH = 32;

  @Option(
      names = "--learning-rate",
      paramLabel = "R|auto",
      description =
          "Default: 0.1 for gd and adagrad, 0.001 for lion, else 0.01. auto takes it from the curvature of the loss, and lets it decay as half a cosine"
              + " unless --schedule is given; gd keeps it.")
  private String learningRate;

  @Option(
      names = "--schedule",
      paramLabel = "SPEC",
      description =
          "Learning rate by step, default constant; e.g. exponential:0.999, step:500,0.3, cosine:30e, warmup:100+cosine:3000; the suffix"
              + " e counts epochs. Also inverse, linear, restarts, polynomial, onecycle.")
  private String schedule;

  @Option(names = "--momentum", paramLabel = "R", description = "sgd and rmsprop; default 0.")
  private Double momentum;

  @Option(names = "--dampening", paramLabel = "R", description = "sgd; default 0.")
  private Double dampening;

  @Option(names = "--nesterov", description = "sgd, with momentum.")
  private boolean nesterov;

  @Option(
      names = "--beta1",
      paramLabel = "R",
      description = "adam, adamw, nadam, lion; default 0.9.")
  private Double beta1;

  @Option(
      names = "--beta2",
      paramLabel = "R",
      description = "adam, adamw, nadam; default 0.999. lion; default 0.99.")
  private Double beta2;

  @Option(
      names = "--epsilon",
      paramLabel = "R",
      description = "adam, adamw, nadam, rmsprop; default 1e-8. adagrad; default 1e-10.")
  private Double epsilon;

  @Option(names = "--alpha", paramLabel = "R", description = "rmsprop; default 0.99.")
  private Double alpha;

  @Option(names = "--centered", description = "rmsprop.")
  private boolean centered;

  @Option(names = "--amsgrad", description = "adam, adamw.")
  private boolean amsgrad;

  @Option(
      names = "--weight-decay",
      paramLabel = "R",
      description =
          "Coupled, decoupled for adamw and lion; default 0, 0.01 for adamw. Not on the intercept.")
  private Double weightDecay;

  @Option(
      names = "--state",
      defaultValue = "same",
      paramLabel = "FORMAT",
      description =
          "How the optimizer keeps its state: same as the data, bf16, or 8bit; both for --dtype f32.")
  private String state;

  @Option(
      names = "--l1",
      defaultValue = "0",
      paramLabel = "R",
      description = "Adds R |w|_1 to the loss.")
  private double l1;

  @Option(
      names = "--l2",
      defaultValue = "0",
      paramLabel = "R",
      description = "Adds R |w|^2 to the loss.")
  private double l2;

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

  @Mixin private NoiseOptions noise = new NoiseOptions();

  @Option(
      names = "--gram",
      description =
          "Full batches from X^T X and X^T y, summed once: a step costs d^2, not n d. Columns that nearly cancel lose"
              + " digits, and losses before the last are rounded to 1e-16 of the variance.")
  private boolean gram;

  @Option(
      names = "--epochs",
      defaultValue = "100",
      paramLabel = "N",
      description = "Default ${DEFAULT-VALUE}.")
  private long epochs;

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
      defaultValue = "0",
      paramLabel = "FRACTION",
      description = "Hold out this part of the rows.")
  private double validation;

  @Option(names = "--no-intercept", description = "A model through the origin.")
  private boolean noIntercept;

  @Option(names = "--no-standardize", description = "Train in raw units.")
  private boolean noStandardize;

  @Option(names = "--no-shuffle", description = "Visit rows in their order.")
  private boolean noShuffle;

  @Option(
      names = "--seed",
      defaultValue = "0",
      paramLabel = "N",
      description = "Default ${DEFAULT-VALUE}.")
  private long seed;

  boolean hasIntercept() {
    return !noIntercept;
  }

  boolean isStandardized() {
    return !noStandardize;
  }

  double l2() {
    return l2;
  }

  boolean isPenalized() {
    return l1 > 0 || l2 > 0;
  }

  long epochs() {
    return epochs;
  }

  /** The step from which a mean of the parameters is kept; 0 if none is. */
  long firstAveraged() {
    return noise.firstAveraged();
  }

  boolean isGram() {
    return gram;
  }

  /** Rows of a full data set that are trained on. */
  long trainingRows(long rows) {
    return rows - Math.round(validation * rows);
  }

  /** Fails now, before data are read, if options make no sense whatever the data are. */
  void check(RuleName name, DType dtype) {
    trainer(name, 1);
    StateFormat format = stateFormat();
    if (format.isCompact() && dtype == DType.F64) {
      throw new UsageException(
          "--state "
              + state
              + " is for --dtype f32, found f64: what it rounds away is more than f64 adds to f32");
    }
    if (name.isSolver()) {
      return;
    }
    if (l1 > 0) {
      rule(name)
          .unsupportedL1Reason()
          .ifPresent(
              reason -> {
                throw new UsageException("--l1: " + reason);
              });
    }
    rule(name)
        .unsupportedReason(format)
        .ifPresent(
            reason -> {
              throw new UsageException("--state " + state + ": " + reason);
            });
  }

  private StateFormat stateFormat() {
    return switch (state.toLowerCase(Locale.ROOT)) {
      case "same" -> StateFormat.SAME;
      case "bf16" -> StateFormat.BF16;
      case "8bit" -> StateFormat.INT8_BLOCKWISE;
      default ->
          throw new UsageException("--state must be same, bf16 or 8bit, found '" + state + "'");
    };
  }

  /**
   * The trainer for one optimizer on that many rows.
   *
   * @throws UsageException if a value is out of its range
   */
  Trainer trainer(RuleName name, long rows) {
    requireOptionsOf(name);
    try {
      return configured(name, rows);
    } catch (IllegalArgumentException e) {
      throw new UsageException(e.getMessage());
    }
  }

  /** The same for the rows of a training file, which are standardized already or are not to be. */
  Trainer trainerOfFile(RuleName name, long rows) {
    if (noStandardize) {
      throw new UsageException(
          "--no-standardize: a training file's units are chosen when it is written, by 'panagrad convert --units raw'");
    }
    noStandardize = true;
    return trainer(name, rows);
  }

  private Trainer configured(RuleName name, long rows) {
    Checks.fraction("validation fraction", validation);
    // None left is for the trainer to refuse, which says how many are held out.
    long training = Math.max(1, trainingRows(rows));
    long batch = batch(name, training);
    long stepsPerEpoch = Math.max(1, Math.ceilDiv(training, noise.rowsPerStep(batch)));
    UpdateRule rule = name.isSolver() ? new GradientDescent(1) : rule(name);
    Optimizer.Builder optimizer =
        Optimizer.of(rule).penalty(new Penalty(l1, l2)).state(stateFormat());
    if (schedule != null) {
      optimizer.schedule(ScheduleText.parse(schedule, stepsPerEpoch));
    }
    if (clipNorm != null) {
      optimizer.clipNorm(clipNorm);
    }
    if (clipValue != null) {
      optimizer.clipValue(clipValue);
    }
    noise.apply(optimizer);
    Trainer trainer =
        name.isSolver() ? Trainer.with(solver(name), new Penalty(l1, l2)) : Trainer.with(optimizer);
    trainer.epochs(epochs).seed(seed).validation(validation);
    if (batch != training) {
      trainer.batchSize(batch);
    }
    if (gram) {
      trainer.gram();
    }
    if (isRateAutomatic()) {
      trainer.automaticRate();
    }
    if (tolerance != null || patience != null) {
      trainer.patience(patience == null ? 5 : patience, tolerance == null ? 0 : tolerance);
    }
    noise.apply(trainer, name);
    if (noIntercept) {
      trainer.withoutIntercept();
    }
    if (!noStandardize) {
      trainer.standardizeInPlace();
    }
    if (noShuffle) {
      trainer.inOrder();
    }
    return trainer;
  }

  private long batch(RuleName name, long rows) {
    if (gram && batchSize != null && !batchSize.equals("full")) {
      throw new UsageException(
          "--gram computes the gradient of all rows, found --batch-size "
              + batchSize
              + "; use --batch-size full, or leave out one of them");
    }
    if (batchSize == null || (ignoreForeign && name.takesFullBatches())) {
      return gram || name.takesFullBatches() ? rows : Math.min(DEFAULT_BATCH, rows);
    }
    if (batchSize.equals("full")) {
      return rows;
    }
    long batch;
    try {
      batch = Long.parseLong(batchSize);
    } catch (NumberFormatException e) {
      throw new UsageException(
          "--batch-size must be a number of rows or 'full', found '" + batchSize + "'");
    }
    if (batch < 1) {
      throw new UsageException("--batch-size must be at least 1, found " + batch);
    }
    if (name.takesFullBatches()) {
      throw new UsageException(
          (name == RuleName.GD ? "gradient descent" : name.text())
              + " takes full batches, found --batch-size "
              + batch
              + "; use --optimizer sgd, or --batch-size full");
    }
    return batch;
  }

  private static Solver solver(RuleName name) {
    return switch (name) {
      case FISTA -> new Fista();
      case LBFGS -> new Lbfgs();
      case CG -> new ConjugateGradient();
      default -> throw new IllegalStateException(name.text());
    };
  }

  private UpdateRule rule(RuleName name) {
    double rate = learningRate == null || isRateAutomatic() ? name.learningRate : rate();
    return switch (name) {
      case GD -> new GradientDescent(rate);
      case SGD -> new Sgd(rate, or(momentum, 0), or(dampening, 0), nesterov, or(weightDecay, 0));
      case ADAM, ADAMW ->
          new Adam(
              rate,
              or(beta1, 0.9),
              or(beta2, 0.999),
              or(epsilon, 1e-8),
              or(weightDecay, name == RuleName.ADAMW ? 0.01 : 0),
              name == RuleName.ADAMW,
              amsgrad);
      case RMSPROP ->
          new RmsProp(
              rate,
              or(alpha, 0.99),
              or(epsilon, 1e-8),
              or(momentum, 0),
              centered,
              or(weightDecay, 0));
      case LION -> new Lion(rate, or(beta1, 0.9), or(beta2, 0.99), or(weightDecay, 0));
      case NADAM ->
          new NAdam(
              rate,
              or(beta1, 0.9),
              or(beta2, 0.999),
              or(epsilon, 1e-8),
              4e-3,
              or(weightDecay, 0),
              false);
      case ADAGRAD -> new Adagrad(rate, 0, 0, or(epsilon, 1e-10), or(weightDecay, 0));
      default -> throw new IllegalStateException(name.text());
    };
  }

  boolean isRateAutomatic() {
    return "auto".equals(learningRate);
  }

  private double rate() {
    try {
      return Double.parseDouble(learningRate);
    } catch (NumberFormatException e) {
      throw new UsageException(
          "--learning-rate must be a number or 'auto', found '" + learningRate + "'");
    }
  }

  private static double or(Double value, double otherwise) {
    return value == null ? otherwise : value;
  }

  /** An option that the optimizer does not have would otherwise be ignored without a word. */
  private void requireOptionsOf(RuleName name) {
    boolean adam = name == RuleName.ADAM || name == RuleName.ADAMW;
    boolean betas = adam || name == RuleName.NADAM || name == RuleName.LION;
    boolean divides = adam || name == RuleName.NADAM || name == RuleName.ADAGRAD;
    boolean rms = name == RuleName.RMSPROP;
    boolean sgd = name == RuleName.SGD;
    List<String> foreign = new ArrayList<>();
    foreign(foreign, "--momentum", momentum != null && !sgd && !rms);
    foreign(foreign, "--dampening", dampening != null && !sgd);
    foreign(foreign, "--nesterov", nesterov && !sgd);
    foreign(foreign, "--beta1", beta1 != null && !betas);
    foreign(foreign, "--beta2", beta2 != null && !betas);
    foreign(foreign, "--epsilon", epsilon != null && !divides && !rms);
    foreign(foreign, "--alpha", alpha != null && !rms);
    foreign(foreign, "--centered", centered && !rms);
    foreign(foreign, "--amsgrad", amsgrad && !adam);
    foreign(foreign, "--weight-decay", weightDecay != null && name.takesFullBatches());
    foreign(foreign, "--learning-rate", learningRate != null && name.isSolver());
    foreign(foreign, "--schedule", schedule != null && name.isSolver());
    foreign(foreign, "--clip-norm", clipNorm != null && name.isSolver());
    foreign(foreign, "--clip-value", clipValue != null && name.isSolver());
    foreign(foreign, "--gram", gram && name.isSolver());
    noise.foreign(name).forEach(foreign::add);
    foreign(foreign, "--state", name.isSolver() && stateFormat() != StateFormat.SAME);
    if (!foreign.isEmpty() && !ignoreForeign) {
      throw new UsageException(
          String.join(", ", foreign) + " does not apply to --optimizer " + name.text());
    }
  }

  private static void foreign(List<String> names, String option, boolean isForeign) {
    if (isForeign) {
      names.add(option);
    }
  }

  /** {@code compare} runs all optimizers with one set of options: each takes those it has. */
  boolean ignoreForeign;
}
